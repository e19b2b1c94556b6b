from __future__ import annotations

from audit.actions import Action


class TelemetryAction(Action):
    PRICE_CREATE = "telemetry:price:create"
    PRICE_UPDATE = "telemetry:price:update"
    PRICE_DELETE = "telemetry:price:delete"
    CONTENT_READ = "telemetry:content:read"
    CALLS_EXPORT = "telemetry:calls:export"
    CONTENT_DROP = "telemetry:content:drop"
    VIEW_CREATE = "telemetry:view:create"
    VIEW_RENAME = "telemetry:view:rename"
    VIEW_SHARE = "telemetry:view:share"
    VIEW_DELETE = "telemetry:view:delete"
