"""Users, sessions, teams, invitations and API keys."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pgtrigger
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import Case, Count, Prefetch, When
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from accounts.actions import AccountsAction
from accounts.profile import scopes as key_scopes
from accounts.sessions.devices import device_name
from audit.services import record

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

# One after the other, so that of two administrators who demote each other the second sees what the first has done. The
# lock is one that no other part takes: "admin" in ASCII.
_KEEP_AN_ADMINISTRATOR = """
IF TG_OP = 'UPDATE' THEN
    IF NEW.role = 'administrator' AND NEW.is_active THEN RETURN NEW; END IF;
END IF;
PERFORM pg_advisory_xact_lock(x'61646d696e'::bigint);
IF NOT EXISTS (SELECT FROM accounts_user WHERE role = 'administrator' AND is_active AND id <> OLD.id) THEN
    RAISE EXCEPTION 'this is the last active administrator' USING ERRCODE = 'restrict_violation';
END IF;
IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
RETURN NEW;
"""


class Role(models.TextChoices):
    ENGINEER = "engineer", "Engineer"
    ADMINISTRATOR = "administrator", "Administrator"


class EnterKey(models.TextChoices):
    """What the Enter key does in the message box of the chat; the other one takes a modifier."""

    SEND = "send", "Sends the message"
    NEW_LINE = "new_line", "Starts a new line"


class TitleSource(models.TextChoices):
    """What a new conversation is named by."""

    WORDS = "words", "Its first words"
    MODEL = "model", "The model of the conversation"


class Theme(models.TextChoices):
    SYSTEM = "system", "Follow system"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """An administrator whom the operator makes: what `manage.py createsuperuser` calls."""
        with transaction.atomic():
            user = self.create_user(email, password, role=Role.ADMINISTRATOR, **fields)
            record(action=AccountsAction.USER_CREATE, actor=None, target=user, after=user.rights)
        return user

    def administrators(self) -> models.QuerySet[User]:
        return self.filter(is_active=True, role=Role.ADMINISTRATOR)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person who logs in by e-mail address; the address is stored in lower case."""

    email = models.EmailField("e-mail address", unique=True, error_messages={"unique": "This address is taken."})
    name = models.CharField(max_length=100, blank=True)
    role = models.CharField(max_length=20, choices=Role, default=Role.ENGINEER)
    is_active = models.BooleanField("active", default=True)
    # The only name by which the audit log knows a user, so that erasing the user leaves the log valid.
    audit_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    theme = models.CharField(max_length=10, choices=Theme, default=Theme.SYSTEM)
    time_zone = models.CharField(max_length=50, default="UTC")
    # What a new chat begins with, if it can; both are empty where the user leaves it to the chat.
    default_provider = models.CharField(max_length=30, blank=True)
    default_model = models.CharField(max_length=200, blank=True)
    enter_key = models.CharField(max_length=10, choices=EnterKey, default=EnterKey.SEND, db_default=EnterKey.SEND)
    title_source = models.CharField(
        max_length=10, choices=TitleSource, default=TitleSource.WORDS, db_default=TitleSource.WORDS
    )
    checklist_dismissed = models.BooleanField(default=False)
    has_read_a_record = models.BooleanField(default=False)
    date_joined = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_is_lower_case"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="keep_an_administrator",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                # In SQL: without a database, as in `makemigrations --check`, a pgtrigger.Q cannot be rendered.
                condition=pgtrigger.Condition("""OLD."is_active" AND OLD."role" = 'administrator'"""),
                func=_KEEP_AN_ADMINISTRATOR,
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        super().clean()
        self.email = self.email.lower()

    @property
    def is_administrator(self) -> bool:
        return self.is_active and self.role == Role.ADMINISTRATOR

    @property
    def rights(self) -> dict[str, Any]:
        """As the audit log has them."""
        return {"role": self.role, "is_active": self.is_active}

    # What Django admin asks of a user: administrators may do everything in it, engineers may not enter.
    is_staff = is_superuser = is_administrator

    def has_perm(self, *_: Any) -> bool:
        return self.is_administrator

    has_perms = has_module_perms = has_perm

    def get_full_name(self) -> str:
        return self.name or self.email

    get_short_name = get_full_name


class UserSession(models.Model):
    """What its user and administrators may know of a session. Holds a digest of its key, so nobody can take it over."""

    LONGEST_AGENT: ClassVar[int] = 200

    user = models.ForeignKey(User, models.CASCADE, related_name="sessions")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=LONGEST_AGENT, blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{device_name(self.user_agent)}, {self.address or 'unknown address'}"

    @property
    def device(self) -> str:
        return device_name(self.user_agent)


class TeamQuerySet(models.QuerySet["Team"]):
    # Of each team on the page of teams; all of them are on the page of the team.
    FIRST_MEMBERS: ClassVar[int] = 10

    def of(self, user: User | AnonymousUser) -> Self:
        """The teams that the user belongs to."""
        return (
            self.filter(pk__in=Membership.objects.filter(user=user.pk).values("team"))
            if user.is_active
            else self.none()
        )

    def with_first_members(self, viewer: User) -> Self:
        """With ``members_count`` and the ``first_members``, the viewer first of all."""
        viewer_first = Case(When(user=viewer.pk, then=0), default=1)
        members = Membership.objects.select_related("user").order_by(viewer_first, "user__name", "user__email")
        first = Prefetch("memberships", members[: self.FIRST_MEMBERS], to_attr="first_members")
        return self.annotate(members_count=Count("memberships")).prefetch_related(first)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self if user.is_superuser else self.of(user)

    def editable_by(self, user: User | AnonymousUser) -> Self:
        return self if user.is_superuser else self.none()


class Team(models.Model):
    """Users who share with each other, see ``accounts.sharing``."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[Any]] = [Lower("name")]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                Lower("name"), name="team_name_is_taken_once", violation_error_message="There is a team of this name."
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("accounts:team-detail", args=[self.pk])


class Membership(models.Model):
    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["team", "user"], name="a_member_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class Invitation(models.Model):
    """A link with which one person makes their own account. Only a digest of what is in the link is kept."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        USED = "used", "Used"
        REVOKED = "revoked", "Withdrawn"
        EXPIRED = "expired", "Expired"

    email = models.EmailField("e-mail address", db_index=True)
    name = models.CharField(max_length=100, blank=True)
    role = models.CharField(max_length=20, choices=Role, default=Role.ENGINEER)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    # The pseudonym of whoever accepts it, so that erasing that person also cleans the log of the invitation.
    audit_id = models.UUIDField(default=uuid.uuid4, editable=False)
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    user = models.OneToOneField(User, models.CASCADE, null=True, related_name="invitation")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"Invitation of {self.email}"

    @property
    def state(self) -> Invitation.State:
        if self.user_id is not None:
            return self.State.USED
        if self.revoked_at is not None:
            return self.State.REVOKED
        return self.State.EXPIRED if self.expires_at <= timezone.now() else self.State.OPEN


class ApiKey(models.Model):
    """A key with which a program acts as its user. Of its secret half only a digest is kept.

    ``prefix`` is its public half. ``scopes`` say what it may be used for, see ``accounts.profile.scopes``.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="api_keys")
    label = models.CharField(max_length=80)
    prefix = models.CharField(max_length=20, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=key_scopes.LONGEST), default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "API key"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.label} ({self.prefix}…)"

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def scope_titles(self) -> list[str]:
        return [key_scopes.title(scope) for scope in self.scopes]

    def allows(self, kind: str, name: str = "") -> bool:
        """Whether it has such a scope, for a prompt with this name. What its user may do is another question."""
        return key_scopes.allows(self.scopes, kind, name)
