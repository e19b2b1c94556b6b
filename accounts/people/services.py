"""Changes of accounts by administrators. A trigger of ``User`` keeps the last administrator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.db import IntegrityError, transaction

from accounts.actions import AccountsAction
from accounts.login.links import reset_link
from accounts.models import Role, User
from accounts.sessions.services import end_sessions
from audit.actions import Action
from audit.services import record, record_denied


class LastAdministrator(Exception):
    """Without this one nobody could administer the server any more."""

    def __init__(self) -> None:
        super().__init__("This is the last active administrator. Make another user an administrator first.")


@contextmanager
def last_administrator_guard() -> Iterator[None]:
    """Raises LastAdministrator in place of the database's own error; what was tried is rolled back."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if isinstance(error.__cause__, psycopg.errors.RestrictViolation):
            raise LastAdministrator from None
        raise


def record_last_administrator_refusal(*, user: User, actor: User | None, action: Action) -> None:
    """That ``action`` was refused since ``user`` is the last administrator; after the transaction of the attempt."""
    record_denied(action=action, actor=actor, target=user, details={"reason": "the last active administrator stays"})


def update_user(*, user: User, actor: User) -> None:
    """Saves ``user`` as it is now, if that is not how it was. Who is deactivated is logged out.

    Raises LastAdministrator.
    """
    with last_administrator_guard():
        before = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        actions = _actions(before, user)
        if not actions:
            return
        user.save()
        details = {f"{name}_before": getattr(before, name) for name in _differing(before, user, "email", "name")}
        for action in actions:
            record(
                action=action, actor=actor, target=user, before=_rights(before), after=_rights(user), details=details
            )
        if not user.is_active:
            end_sessions(user=user, actor=actor)


def change_role(*, user: User, role: Role, actor: User) -> User:
    """The user as it is then. Raises LastAdministrator."""
    return _change(user, actor, role=role)


def set_active(*, user: User, active: bool, actor: User) -> User:
    """The user as it is then. Raises LastAdministrator."""
    return _change(user, actor, is_active=active)


def _change(user: User, actor: User, **changes: Any) -> User:
    """Of the row as it is now, so that nothing is undone that somebody else has changed meanwhile."""
    with transaction.atomic():
        current = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if any(getattr(current, name) != value for name, value in changes.items()):
            for name, value in changes.items():
                setattr(current, name, value)
            update_user(user=current, actor=actor)
    return current


@transaction.atomic
def password_link(*, user: User, actor: User | None) -> str:
    """The address at which ``user`` sets a new password: once, within a day, and not after the next log-in."""
    record(action=AccountsAction.USER_PASSWORD_LINK, actor=actor, target=user)
    return reset_link(user_pk_to_url_str(user), default_token_generator.make_token(user))


def _actions(before: User, after: User) -> list[AccountsAction]:
    """What the log calls the difference. More than one entry only where rights change in two ways."""
    actions = [AccountsAction.USER_ROLE] if before.role != after.role else []
    if before.is_active != after.is_active:
        actions.append(AccountsAction.USER_REACTIVATE if after.is_active else AccountsAction.USER_DEACTIVATE)
    return actions or ([AccountsAction.USER_UPDATE] if _differing(before, after, "email", "name") else [])


def _differing(before: User, after: User, *names: str) -> list[str]:
    return [name for name in names if getattr(before, name) != getattr(after, name)]


def _rights(user: User) -> dict[str, Any]:
    return {"role": user.role, "is_active": user.is_active}
