"""Changes of accounts by administrators. A trigger of ``User`` keeps the last administrator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.actions import AccountsAction
from accounts.models import Role, User
from accounts.sessions.services import end_sessions
from audit.actions import Action
from audit.services import record, record_denied


class LastAdministrator(Exception):
    """``action`` was refused: without ``user`` nobody could administer the server any more."""

    def __init__(self, user: User, action: Action) -> None:
        super().__init__("This is the last active administrator. Make another user an administrator first.")
        self.user = user
        self.action = action

    def record(self, *, actor: User | None) -> None:
        """After the transaction of the attempt."""
        details = {"reason": "the last active administrator stays"}
        record_denied(action=self.action, actor=actor, target=self.user, details=details)


@contextmanager
def last_administrator_guard(user: User, action: Action) -> Iterator[None]:
    """Raises LastAdministrator in place of the database's own error; what was tried is rolled back."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if isinstance(error.__cause__, psycopg.errors.RestrictViolation):
            raise LastAdministrator(user, action) from None
        raise


@transaction.atomic
def update_user(*, user: User, actor: User) -> None:
    """Saves ``user`` as it is now, if that is not how it was. Who is deactivated is logged out.

    Raises LastAdministrator.
    """
    stored = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    changed = [name for name in ("email", "name") if getattr(stored, name) != getattr(user, name)]
    actions = _actions(stored, user) or ([AccountsAction.USER_UPDATE] if changed else [])
    if not actions:
        return
    with last_administrator_guard(stored, actions[0]):
        user.save()
    details = {f"{name}_before": getattr(stored, name) for name in changed}
    for action in actions:
        record(action=action, actor=actor, target=user, before=stored.rights, after=user.rights, details=details)
    if not user.is_active:
        end_sessions(user=user, actor=actor)


def change_role(*, user: User, role: Role, actor: User) -> User:
    """The user as it is then. Raises LastAdministrator."""
    return _change(user, actor, role=role)


def set_active(*, user: User, active: bool, actor: User) -> User:
    """The user as it is then. Raises LastAdministrator."""
    return _change(user, actor, is_active=active)


@transaction.atomic
def _change(user: User, actor: User, **changes: Any) -> User:
    """Of the row as it is now, so that nothing is undone that somebody else has changed meanwhile."""
    current = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    for name, value in changes.items():
        setattr(current, name, value)
    update_user(user=current, actor=actor)
    return current


def reset_link(uid: str, key: str) -> str:
    """The link to set a new password, at the public URL whatever the Host header of the request says."""
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": key})
    return f"{settings.PUBLIC_ORIGIN}{path}"


@transaction.atomic
def password_link(*, user: User, actor: User | None) -> str:
    """The address at which ``user`` sets a new password: once, within a day, and not after the next log-in."""
    record(action=AccountsAction.USER_PASSWORD_LINK, actor=actor, target=user)
    return reset_link(user_pk_to_url_str(user), default_token_generator.make_token(user))


def _actions(before: User, after: User) -> list[AccountsAction]:
    """What the log calls a change of rights; two where they change in both ways."""
    actions = [AccountsAction.USER_ROLE] if before.role != after.role else []
    if before.is_active != after.is_active:
        actions.append(AccountsAction.USER_REACTIVATE if after.is_active else AccountsAction.USER_DEACTIVATE)
    return actions
