"""Setting up the first administrator, recording failed log-ins, and the settings of a user."""

from __future__ import annotations

from django.conf import settings
from django.core import signing
from django.db import connection, transaction
from django.urls import reverse

from accounts.actions import AccountsAction
from accounts.models import Role, User
from audit.actions import Outcome
from audit.services import record, record_denied

SETUP_LINK_SECONDS = 3600
_SETUP_SALT = "accounts.setup"
# Any constant will do that no other advisory lock of the database uses: "setup" in ASCII.
_SETUP_LOCK = 0x7365747570


class SetupClosed(Exception):
    """There is an administrator already."""


def setup_link() -> str | None:
    """The address at which the first administrator is set up, good for an hour; None once there is one."""
    if User.objects.administrators().exists():
        return None
    token = signing.dumps("first administrator", salt=_SETUP_SALT)
    return f"{settings.PUBLIC_ORIGIN}{reverse('accounts:setup', args=[token])}"


def check_setup_token(token: str) -> None:
    """Raises SetupClosed, or django.core.signing.BadSignature (SignatureExpired after an hour)."""
    signing.loads(token, salt=_SETUP_SALT, max_age=SETUP_LINK_SECONDS)
    if User.objects.administrators().exists():
        raise SetupClosed


def create_first_administrator(*, name: str, email: str, password: str, time_zone: str = "UTC") -> User:
    """Raises SetupClosed when there is one already, also if that one was made this very moment."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SETUP_LOCK])
        if User.objects.administrators().exists():
            raise SetupClosed
        user = User.objects.create_user(email, password, name=name, role=Role.ADMINISTRATOR, time_zone=time_zone)
        record(action=AccountsAction.USER_SETUP, actor=user, target=user)
    return user


def record_failed_login(*, user: User | None, **details: str) -> None:
    """``user``: whose account was tried, if known. ``details``: ``email`` as it was typed, ``factor``, ``reason``."""
    action = AccountsAction.SESSION_LOGIN_FAILED
    record_denied(action=action, actor=None, target=user, outcome=Outcome.FAILED, details=details)


def set_theme(*, user: User, theme: str) -> None:
    user.theme = theme
    user.save(update_fields=["theme"])


def update_profile(*, user: User, **values: str) -> None:
    """``values``: name, time_zone, theme, enter_key, title_source, default_provider and default_model."""
    changed = sorted(name for name, value in values.items() if getattr(user, name) != value)
    for name in changed:
        setattr(user, name, values[name])
    if changed:
        with transaction.atomic():
            user.save(update_fields=changed)
            record(action=AccountsAction.USER_UPDATE, actor=user, target=user, after={"changed": changed})


def show_checklist(*, user: User, shown: bool) -> None:
    user.checklist_dismissed = not shown
    user.save(update_fields=["checklist_dismissed"])


def note_record_read(*, user: User) -> None:
    """The last step of the checklist: the user has looked at the record of a call."""
    if not user.has_read_a_record:
        user.has_read_a_record = True
        user.save(update_fields=["has_read_a_record"])
