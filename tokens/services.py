"""Every change to a provider token, and the only way to its secret.

Each takes the locks of token rows before the one of the audit log, so none may follow an audit entry within one
transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Case, IntegerField, When
from django.utils import timezone

from accounts.models import User
from accounts.providers import is_endpoint
from accounts.sharing import EVERYONE, PRIVATE, Audience, Visibility, check_team, lock_team
from audit.actions import Action, Outcome
from audit.services import record
from tokens import keyring
from tokens.actions import TokensAction
from tokens.allowed_hosts import allowed_hosts
from tokens.base_urls import HOSTED_URLS, BaseUrlRefused, clean_base_url
from tokens.checks import CheckResult, TokenState, check_secret
from tokens.envelope import EnvelopeError
from tokens.models import FactorSecret, ProviderToken, ProviderTokenQuerySet
from tokens.secrets import clean_secret, hint_of

SECRET_FIELD = ProviderToken._meta.get_field("secret")
STAMP_EVERY = timedelta(minutes=1)


class TokenUnreadable(Exception):
    """The stored secret cannot be opened: its key is missing, or it was altered. It must be entered again."""

    def __init__(self, token: ProviderToken, reason: str) -> None:
        super().__init__(f"The token “{token.label}” needs re-entry: {reason}")
        self.token = token
        self.reason = reason


class SecretRequired(ValueError):
    """A new base URL without the secret: a stored secret is never sent to a host it was not entered for."""


def allowed_base_url(text: str) -> str:
    """Raises BaseUrlRefused."""
    return clean_base_url(text, trusted_hosts=allowed_hosts())


def endpoint_url(provider: str, base_url: str) -> str:
    """Raises BaseUrlRefused, also for an endpoint without one."""
    if not base_url.strip() and is_endpoint(provider):
        raise BaseUrlRefused("Enter the base URL of the server, such as http://localhost:11434/v1.")
    return allowed_base_url(base_url)


@transaction.atomic
def add_token(
    *,
    owner: User,
    actor: User | None,
    provider: str,
    label: str,
    secret: str,
    base_url: str = "",
    audience: Audience = PRIVATE,
    expires_at: datetime | None = None,
    check: CheckResult | None = None,
) -> ProviderToken:
    """The owner's first token of a provider becomes the default. ``check`` is what testing the secret gave.

    ``secret`` may be empty for an endpoint that asks for no key.

    ``actor`` None is the operator at the command line. Raises SecretRefused, BaseUrlRefused, PermissionDenied.
    """
    _require_administrator(actor, provider=provider, base_url=base_url)
    token = ProviderToken(owner=owner, provider=provider, label=label, expires_at=expires_at)
    lock_team(audience.team)
    _share(token, audience, actor)
    token.base_url = endpoint_url(provider, base_url)
    _seal_into(token, secret, check)
    _lock_owner(token)
    token.is_default = not owner.provider_tokens.filter(provider=provider, is_default=True).exists()
    token.save(force_insert=True)
    record(action=TokensAction.TOKEN_ADD, actor=actor, target=token, after=token.as_audited())
    return token


@transaction.atomic
def replace_secret(
    *, token: ProviderToken, actor: User | None, secret: str, check: CheckResult | None = None
) -> ProviderToken:
    """Raises SecretRefused."""
    locked = _lock(token)
    before = locked.as_audited()
    _seal_into(locked, secret, check)
    locked.save()
    record(action=TokensAction.TOKEN_REPLACE, actor=actor, target=locked, before=before, after=locked.as_audited())
    return locked


@transaction.atomic
def update_token(
    *,
    token: ProviderToken,
    actor: User | None,
    label: str,
    base_url: str,
    audience: Audience,
    expires_at: datetime | None,
    secret: str = "",
    check: CheckResult | None = None,
) -> ProviderToken:
    """Raises SecretRequired for a new base URL without a secret, SecretRefused, BaseUrlRefused, PermissionDenied."""
    lock_team(audience.team)
    locked = _lock(token)
    base_url = endpoint_url(locked.provider, base_url)
    changes_url = base_url != locked.base_url
    _require_administrator(actor, provider=locked.provider, base_url=base_url if changes_url else "")
    if changes_url and not secret and locked.has_secret:
        raise SecretRequired("A new base URL needs the secret again.")
    before, shared_before = locked.as_audited(), locked.audience
    _share(locked, audience, actor)
    locked.label, locked.base_url, locked.expires_at = label, base_url, expires_at
    if secret:
        _seal_into(locked, secret, check)
    locked.save()
    action = TokensAction.TOKEN_UPDATE if audience == shared_before else TokensAction.TOKEN_SHARE
    record(action=action, actor=actor, target=locked, before=before, after=locked.as_audited())
    return locked


@transaction.atomic
def make_default(*, token: ProviderToken, actor: User) -> None:
    _lock_owner(token)
    siblings = ProviderToken.objects.filter(owner_id=token.owner_id, provider=token.provider, is_default=True)
    siblings.update(is_default=False)
    ProviderToken.objects.filter(pk=token.pk).update(is_default=True)
    token.refresh_from_db()
    record(action=TokensAction.TOKEN_UPDATE, actor=actor, target=token, after=token.as_audited())


@transaction.atomic
def delete_token(*, token: ProviderToken, actor: User | None) -> None:
    ProviderToken.objects.filter(pk=token.pk).delete()
    record(action=TokensAction.TOKEN_DELETE, actor=actor, target=token, before=token.as_audited())


def pick_token(*, user: User, provider: str, token_id: UUID | None = None) -> ProviderToken | None:
    """The user's default, else the user's newest, else one shared with a team of the user's, else one with everyone.

    Its state is not asked for: a broken default must be seen, not silently replaced by somebody else's account.
    ``token_id`` is the one that was chosen instead: None where the user may not use it (any more), and no other.
    """
    tokens = by_preference(user).filter(provider=provider)
    if token_id is not None:
        tokens = tokens.filter(pk=token_id)
    return tokens.select_related("owner").first()


def by_preference(user: User) -> ProviderTokenQuerySet:
    """What the user may call providers with; of each provider, the token that ``pick_token`` picks comes first."""
    distance = Case(
        When(owner=user.pk, then=0), When(visibility=Visibility.TEAM, then=1), default=2, output_field=IntegerField()
    )
    return ProviderToken.objects.visible_to(user).order_by(distance, "-is_default", "-created_at", "pk")


def open_token(*, token_id: UUID, actor: User) -> str:
    """The secret, for one call to the provider; stamps and records the use.

    Raises ProviderToken.DoesNotExist where the actor may not use it, TokenUnreadable.
    """
    token = ProviderToken.objects.visible_to(actor).select_related("owner").get(pk=token_id)
    secret = _open(token, actor, TokensAction.TOKEN_USE)
    with transaction.atomic(savepoint=False):
        stamp_use(token)
        _settle_state(token, readable=True)
        record(action=TokensAction.TOKEN_USE, actor=actor, target=token)
    return secret


def open_picked(*, user: User, provider: str, token_id: UUID | None = None) -> tuple[ProviderToken, str] | None:
    """The token that ``pick_token`` picks, and its secret for one call, whose own entry names it as used.

    Raises TokenUnreadable.
    """
    token = pick_token(user=user, provider=provider, token_id=token_id)
    if token is None:
        return None
    secret = _open(token, user, TokensAction.TOKEN_USE)
    stamp_use(token)
    with transaction.atomic(savepoint=False):
        _settle_state(token, readable=True)
    return token, secret


def stamp_use(row: ProviderToken | FactorSecret) -> None:
    """To the minute only: calls that go on at once would wait for each other's stamp."""
    now = timezone.now()
    if row.last_used_at is None or now - row.last_used_at > STAMP_EVERY:
        type(row)._base_manager.filter(pk=row.pk).update(last_used_at=now)


def test_secret(*, actor: User, provider: str, secret: str, base_url: str) -> CheckResult:
    """Test a secret that is not stored (yet). Raises BaseUrlRefused, PermissionDenied."""
    _require_administrator(actor, provider=provider, base_url=base_url)
    base_url = endpoint_url(provider, base_url)
    result = check_secret(provider=provider, secret=secret, base_url=base_url)
    with transaction.atomic():
        after = {"provider": provider, "state": result.state}
        record(action=TokensAction.TOKEN_TEST, actor=actor, target=None, outcome=_outcome(result), after=after)
    return result


def check_token(*, token: ProviderToken, actor: User) -> CheckResult:
    """Test a stored token at its provider and remember the answer. Raises TokenUnreadable."""
    secret = _open(token, actor, TokensAction.TOKEN_TEST)
    result = check_secret(provider=token.provider, secret=secret, base_url=token.base_url)
    record_check(token=token, actor=actor, result=result)
    return result


@transaction.atomic
def record_check(*, token: ProviderToken, actor: User | None, result: CheckResult) -> None:
    """Also for what a run learns by the way, e.g. a 401. Nothing is stored if the secret was replaced meanwhile."""
    current = ProviderToken.objects.filter(pk=token.pk, fingerprint=token.fingerprint, base_url=token.base_url)
    current.update(state=result.state, check_message=result.message[:500], checked_at=timezone.now())
    after = {"state": result.state}
    record(action=TokensAction.TOKEN_TEST, actor=actor, target=token, outcome=_outcome(result), after=after)


def open_at_hand(token: ProviderToken) -> str:
    """The secret, without asking the database for anything. Neither stamps nor records the use: the caller does.

    Raises EnvelopeError, also where the data key has not been used in this process before.
    """
    return keyring.open_field(token, SECRET_FIELD, at_hand=True)


def is_readable(token: ProviderToken) -> bool:
    try:
        keyring.open_field(token, SECRET_FIELD)
    except EnvelopeError:
        return False
    return True


def recheck_unreadable() -> None:
    """Unmark the tokens whose key has come back. For the start of the system."""
    for token in ProviderToken.objects.filter(state=TokenState.NEEDS_REENTRY):
        _settle_state(token, readable=is_readable(token))


def _settle_state(token: ProviderToken, *, readable: bool) -> None:
    """Writes only where the state changes, which is rare."""
    if readable == (token.state != TokenState.NEEDS_REENTRY):
        return
    state = TokenState.UNTESTED if readable else TokenState.NEEDS_REENTRY
    ProviderToken.objects.filter(pk=token.pk, fingerprint=token.fingerprint).update(state=state)


def _outcome(result: CheckResult) -> Outcome:
    return Outcome.SUCCESS if result.ok else Outcome.FAILED


def _open(token: ProviderToken, actor: User, action: Action) -> str:
    try:
        return keyring.open_field(token, SECRET_FIELD)
    except EnvelopeError as error:
        with transaction.atomic():
            _settle_state(token, readable=False)
            after = {"state": TokenState.NEEDS_REENTRY}
            record(action=action, actor=actor, target=token, outcome=Outcome.FAILED, after=after)
        raise TokenUnreadable(token, str(error)) from error


def _lock(token: ProviderToken) -> ProviderToken:
    """The row as it is now, locked."""
    tokens = ProviderToken.objects.select_related("owner", "team")
    return tokens.select_for_update(no_key=True, of=("self",)).get(pk=token.pk)


def _lock_owner(token: ProviderToken) -> None:
    """Two tokens made default at once must not both read "there is none yet"."""
    User.objects.select_for_update(no_key=True).get(pk=token.owner_id)


def _seal_into(token: ProviderToken, secret: str, check: CheckResult | None) -> None:
    secret = clean_secret(secret) if secret or not is_endpoint(token.provider) else ""
    key = keyring.sealing_key()
    token.secret = keyring.seal(token, SECRET_FIELD, secret, key=key)
    token.secret_set_at = timezone.now()
    token.hint, token.fingerprint = hint_of(secret), key.fingerprint(secret)
    token.state = check.state if check else TokenState.UNTESTED
    token.check_message = check.message[:500] if check else ""
    token.checked_at = timezone.now() if check else None


def _require_administrator(actor: User | None, *, provider: str, base_url: str) -> None:
    """For a base URL, except those of well-known vendors, which are chosen from a list."""
    is_listed = is_endpoint(provider) and base_url in HOSTED_URLS
    if base_url and not is_listed and actor is not None and not actor.is_administrator:
        raise PermissionDenied("Only administrators set a base URL.")


def _share(token: ProviderToken, audience: Audience, actor: User | None) -> None:
    """Raises PermissionDenied. Nobody opens somebody else's token to more people than its owner has."""
    if audience == token.audience:
        return
    is_owner_or_operator = actor is None or actor == token.owner
    if not is_owner_or_operator and audience != PRIVATE:
        raise PermissionDenied("Only its owner shares a token.")
    if audience == EVERYONE and actor is not None and not actor.is_administrator:
        raise PermissionDenied("Only administrators share a token with everyone.")
    check_team(audience=audience, actor=actor)
    token.audience = audience
