"""Log lines to Loki, or to what else takes them by OTLP over HTTP, where ``AISTRALE_OTLP_LOGS_ENDPOINT`` names it.

They are those of standard error, as JSON and without secrets, with their trace. What sending itself logs stays here.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.conf import settings
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from prometheus_client import Counter

from aistrale.logs import json_formatter
from aistrale.outbox import QUEUED, SEND_SECONDS, Outbox, drop_counter, session
from aistrale.tracing import resource_of

SENT = Counter("aistrale_logs_sent", "Log lines that the receiver has taken")
DROPPED = drop_counter("aistrale_logs_dropped", "Log lines that were not sent; standard error has them")
_OWN = ("opentelemetry", "requests", "urllib3")
_SEVERITIES = {
    logging.DEBUG: SeverityNumber.DEBUG,
    logging.INFO: SeverityNumber.INFO,
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
    logging.CRITICAL: SeverityNumber.FATAL,
}


def begin(role: str) -> LoggerProvider | None:
    """``role``: web or worker. May be called once in a process; None where no endpoint is configured."""
    if not settings.OTLP_LOGS_ENDPOINT:
        return None
    # With requests and protobuf it takes a third of a second to import.
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    provider = LoggerProvider(resource=resource_of(role), shutdown_on_exit=False)
    endpoint = f"{settings.OTLP_LOGS_ENDPOINT.rstrip('/')}/v1/logs"
    exporter = OTLPLogExporter(endpoint=endpoint, timeout=SEND_SECONDS, session=session())
    provider.add_log_record_processor(LogOutbox(exporter))
    handler = OtlpHandler(provider)
    # What is logged of made-up hosts does not reach the root, see ``aistrale.logs``.
    for name in ("", "django.security"):
        logging.getLogger(name).addHandler(handler)
    return provider


class OtlpHandler(logging.Handler):
    """Gives the line to the provider, whose thread sends it."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__()
        self._logger = provider.get_logger("aistrale")
        self.setFormatter(json_formatter())

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] in _OWN:
            return
        try:
            line = self.format(record)
        except Exception:
            return self.handleError(record)
        self._logger.emit(
            timestamp=int(record.created * 1e9),
            severity_text=record.levelname,
            severity_number=_SEVERITIES.get(record.levelno, SeverityNumber.UNSPECIFIED),
            body=line,
        )


class LogOutbox(LogRecordProcessor):
    """Takes microseconds of whoever logs a line, whatever the receiver does."""

    def __init__(self, exporter: LogRecordExporter) -> None:
        self._outbox = Outbox(SENT, DROPPED)
        self._batches = BatchLogRecordProcessor(_CountedExporter(exporter, self._outbox), max_queue_size=QUEUED)

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        if self._outbox.admit():
            self._batches.on_emit(log_record)

    def shutdown(self) -> None:
        self._outbox.end(self._batches.shutdown)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._batches.force_flush(timeout_millis)


class _CountedExporter(LogRecordExporter):
    def __init__(self, exporter: LogRecordExporter, outbox: Outbox) -> None:
        self._exporter = exporter
        self._outbox = outbox

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        success, failure = LogRecordExportResult.SUCCESS, LogRecordExportResult.FAILURE
        return self._outbox.send(batch, self._exporter.export, success=success, failure=failure)

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)
