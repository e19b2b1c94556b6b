from __future__ import annotations

from audit.actions import Action


class TelemetryAction(Action):
    PRICE_CREATE = "telemetry:price:create"
    PRICE_UPDATE = "telemetry:price:update"
    PRICE_DELETE = "telemetry:price:delete"
    CONTENT_READ = "telemetry:content:read"
    CALLS_EXPORT = "telemetry:calls:export"
    CONTENT_DROP = "telemetry:content:drop"
    BUDGET_SET = "telemetry:budget:set"
    BUDGET_DELETE = "telemetry:budget:delete"
    PRICES_UPDATE = "telemetry:prices:update"
    CALLS_REPRICE = "telemetry:calls:reprice"
    RETIREMENT_SET = "telemetry:retirement:set"
    RETIREMENT_DELETE = "telemetry:retirement:delete"
