from __future__ import annotations

from audit.actions import Action


class TelemetryAction(Action):
    PRICE_CREATE = "telemetry:price:create", "set a price for {target}"
    PRICE_UPDATE = "telemetry:price:update", "changed the price of {target}"
    PRICE_DELETE = "telemetry:price:delete", "deleted the price of {target}"
    CONTENT_READ = "telemetry:content:read", "read the content of a call: {target}"
    CALLS_EXPORT = "telemetry:calls:export", "exported calls[ as {format}]"
    CONTENT_DROP = "telemetry:content:drop", "deleted call content older than {kept_days} days"
    BUDGET_SET = "telemetry:budget:set", "set the monthly budget of {team}"
    BUDGET_DELETE = "telemetry:budget:delete", "removed the monthly budget of {team}"
    BUDGET_ALERT = "telemetry:budget:alert", "reported that the budget of {team} reached {percent}%"
    PRICES_UPDATE = "telemetry:prices:update", "updated the price list"
    CALLS_REPRICE = "telemetry:calls:reprice", "repriced calls"
    RETIREMENT_SET = "telemetry:retirement:set", "set the retirement of {target}"
    RETIREMENT_DELETE = "telemetry:retirement:delete", "removed the retirement of {target}"
    VIEW_CREATE = "telemetry:view:create", "saved view {target}"
    VIEW_RENAME = "telemetry:view:rename", "renamed view {target}"
    VIEW_SHARE = "telemetry:view:share", "changed sharing of view {target}[ to {visibility}]"
    VIEW_DELETE = "telemetry:view:delete", "deleted view {target}"
