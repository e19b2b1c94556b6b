from __future__ import annotations

from audit.actions import Action


class TelemetryAction(Action):
    PRICE_CREATE = "telemetry:price:create", "set a price for {target}"
    PRICE_UPDATE = "telemetry:price:update", "changed the price of {target}"
    PRICE_DELETE = "telemetry:price:delete", "deleted the price of {target}"
    CONTENT_READ = "telemetry:content:read", "read the content of a call: {target}"
    CALLS_EXPORT = "telemetry:calls:export", "exported calls[ as {format}]"
    CONTENT_DROP = "telemetry:content:drop", "deleted call content older than {kept_days} days"
