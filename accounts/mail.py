"""Sending mail, and what can go wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from smtplib import SMTPConnectError, SMTPException, SMTPRecipientsRefused, SMTPServerDisconnected

import structlog

log = structlog.get_logger(__name__)


class MailNotSent(Exception):
    """Why, in a sentence."""


@contextmanager
def sending() -> Iterator[None]:
    """Raises MailNotSent for whatever a mail server, or the way to it, may do. The address stays out of the log."""
    try:
        yield
    except (OSError, UnicodeError) as error:
        log.warning("mail_not_sent", error=type(error).__name__, code=getattr(error, "smtp_code", None))
        raise MailNotSent(_reason(error)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, SMTPRecipientsRefused | UnicodeError):
        return "The mail server does not take mail for this address."
    if isinstance(error, SMTPException) and not isinstance(error, SMTPServerDisconnected | SMTPConnectError):
        return "The mail server refused the mail."
    return "The mail server does not answer."
