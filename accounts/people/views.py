"""The list of users, what administrators do for an account, and invitations with the page that their link leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db.models import Count, Max
from django.db.models.functions import Greatest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actions import AccountsAction
from accounts.login.mfa import lacking_factor, remove_factors
from accounts.login.reauthentication import confirmed
from accounts.login.throttling import secret_link
from accounts.mail import MailNotSent
from accounts.models import Invitation, Role, User
from accounts.people import invitations
from accounts.people.forms import AcceptForm, InviteForm, PeopleFilter, RoleForm
from accounts.people.invitations import AlreadyUser, InvitationRefused, Invited
from accounts.people.services import LastAdministrator, change_role, password_link, set_active
from accounts.requests import UserRequest, administrators_only, confirm_page
from accounts.sessions.services import MOST_SHOWN, end_sessions, live_sessions
from audit.services import record_denied
from audit.text import counted
from listing.pages import get_page, render_list

# Of the open ones, the newest first, on the first page; the others are found by a search.
INVITATIONS_SHOWN = 50
_KINDS = {Authenticator.Type.TOTP: "app", Authenticator.Type.WEBAUTHN: "passkey"}
ROLE_TEXT = "Administrators manage users, settings and keys, and see the calls of all users. Takes effect immediately."
DEACTIVATE_TEXT = (
    "The user is signed out everywhere and cannot log in. Their data is kept. You can reactivate the account."
)
REACTIVATE_TEXT = "The user can log in again with the same password and two-factor methods."
END_TEXT = "The user has to log in again on all devices."
RESET_TEXT = "Creates a one-time link to choose a new password. The current password works until the link is used."
TWO_FACTOR_TEXT = (
    "Removes the authenticator app, passkeys and recovery codes, so that the password alone is enough to log in. "
    "Make sure that the request really comes from this user."
)


@dataclass(frozen=True, slots=True)
class Person:
    """``factors`` is "app, 2 passkeys" or empty; ``must_add_factor`` where the policy asks for one."""

    user: User
    last_seen_at: datetime | None
    factors: str
    must_add_factor: bool


def persons(users: Iterable[User]) -> list[Person]:
    users = list(users)
    keys = [user.pk for user in users]
    seen = dict(
        User.objects.filter(pk__in=keys)
        .annotate(seen=Greatest("last_login", Max("sessions__last_seen_at")))
        .values_list("pk", "seen")
    )
    lacking = set(lacking_factor().filter(pk__in=keys).values_list("pk", flat=True))
    factors = _factors(keys)
    return [Person(user, seen[user.pk], factors.get(user.pk, ""), user.pk in lacking) for user in users]


def _factors(keys: list[int]) -> dict[int, str]:
    factors: dict[int, str] = {}
    found = Authenticator.objects.filter(user__in=keys, type__in=_KINDS).order_by("type")
    for user_id, kind, count in found.values_list("user_id", "type").annotate(Count("pk")):
        name = _KINDS[kind] if count == 1 else counted(count, _KINDS[kind])
        factors[user_id] = f"{factors[user_id]}, {name}" if user_id in factors else name
    return factors


@administrators_only
@require_safe
def person_list(request: UserRequest) -> HttpResponse:
    form = PeopleFilter(request.GET)
    page = get_page(form.narrow(User.objects.all()), request.GET, by=["email"])
    context = {
        "form": form,
        "page": page,
        "people": persons(page.rows),
        "invitations": None if page.newer else form.invitations()[:INVITATIONS_SHOWN],
        "most_invitations": INVITATIONS_SHOWN,
    }
    return render_list(request, "accounts/person_list.html", context)


@administrators_only
@require_safe
def person_detail(request: UserRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    (person,) = persons([user])
    sessions = live_sessions(user)
    context = {"person": person, "sessions": sessions, "most": MOST_SHOWN, "is_self": user == request.user}
    return render(request, "accounts/person_detail.html", context)


def _step(view: Callable[[UserRequest, User], HttpResponse]) -> Callable[[UserRequest, int], HttpResponse]:
    """Decorator of a step that an administrator takes for the user with the key in the URL."""

    @administrators_only
    @require_http_methods(["GET", "POST"])
    @confirmed
    @wraps(view)
    def guarded(request: UserRequest, pk: int) -> HttpResponse:
        user = get_object_or_404(User, pk=pk)
        try:
            return view(request, user)
        except LastAdministrator as refusal:
            refusal.record(actor=request.user)
            messages.error(request, str(refusal))
            return redirect("people:person-detail", pk)

    return guarded


@_step
def person_role(request: UserRequest, user: User) -> HttpResponse:
    form = RoleForm(request.POST or None, initial={"role": user.role})
    if not form.is_valid():
        title = f"Change role of {user}?"
        return _question(request, user, title, ROLE_TEXT, "Change role", form=form, variant="primary")
    user = change_role(user=user, role=Role(form.cleaned_data["role"]), actor=request.user)
    return _done(request, user, f"Role changed: {user} is now {user.get_role_display().lower()}")


@_step
def person_deactivate(request: UserRequest, user: User) -> HttpResponse:
    if request.method != "POST":
        return _question(request, user, f"Deactivate {user}?", DEACTIVATE_TEXT, "Deactivate")
    set_active(user=user, active=False, actor=request.user)
    return _done(request, user, f"User {user} deactivated")


@_step
def person_reactivate(request: UserRequest, user: User) -> HttpResponse:
    if request.method != "POST":
        return _question(request, user, f"Reactivate {user}?", REACTIVATE_TEXT, "Reactivate", variant="primary")
    set_active(user=user, active=True, actor=request.user)
    return _done(request, user, f"User {user} reactivated")


@_step
def person_end_sessions(request: UserRequest, user: User) -> HttpResponse:
    if request.method != "POST":
        return _question(request, user, f"Sign out {user} everywhere?", END_TEXT, "Sign out everywhere")
    keep = request.session.session_key if user == request.user else None
    ended = end_sessions(user=user, actor=request.user, keep=keep)
    return _done(request, user, f"Signed out {user} ({counted(ended, 'session')})")


@_step
@sensitive_variables("link")
def person_reset_password(request: UserRequest, user: User) -> HttpResponse:
    if request.method != "POST":
        title = f"Reset password of {user}?"
        return _question(request, user, title, RESET_TEXT, "Create link", variant="primary")
    link = password_link(user=user, actor=request.user)
    return render(request, "accounts/password_link.html", {"person": user, "link": link})


@_step
def person_reset_two_factor(request: UserRequest, user: User) -> HttpResponse:
    if request.method != "POST":
        return _question(request, user, f"Reset two-factor of {user}?", TWO_FACTOR_TEXT, "Reset two-factor")
    removed = remove_factors(user=user, actor=request.user)
    return _done(request, user, f"Two-factor of {user} {'reset' if removed else 'was already off'}")


def _question(request: UserRequest, user: User, title: str, text: str, verb: str, **more: Any) -> HttpResponse:
    back = reverse("people:person-detail", args=[user.pk])
    return confirm_page(request, heading="Users", title=title, text=text, verb=verb, cancel=back, **more)


def _done(request: UserRequest, user: User, words: str) -> HttpResponse:
    messages.success(request, words)
    if user == request.user and not User.objects.administrators().filter(pk=user.pk).exists():
        return redirect("dashboard")
    return redirect("people:person-detail", user.pk)


@administrators_only
@require_http_methods(["GET", "POST"])
@confirmed
@sensitive_variables("invited")
def invite(request: UserRequest) -> HttpResponse:
    form = InviteForm(request.POST or None)
    if form.is_valid():
        try:
            invited = invitations.invite(**form.cleaned_data, actor=request.user)
        except AlreadyUser:
            form.add_error("email", "A user with this email address already exists.")
        else:
            return _hand_over(request, invited)
    context = {"form": form, "has_mail": settings.MAIL_IS_CONFIGURED}
    return render(request, "accounts/invitation_form.html", context, status=422 if form.is_bound else 200)


@sensitive_variables("invited")
def _hand_over(request: UserRequest, invited: Invited) -> HttpResponse:
    """Send the link, or show it where it cannot be sent."""
    problem = ""
    if settings.MAIL_IS_CONFIGURED:
        try:
            invitations.send(invited=invited)
        except MailNotSent as error:
            problem = str(error)
        else:
            messages.success(request, f"Invitation sent to {invited.invitation.email}")
            return redirect("people:person-list")
    return render(request, "accounts/invitation_link.html", {"invited": invited, "problem": problem})


@administrators_only
@require_http_methods(["GET", "POST"])
def invitation_revoke(request: UserRequest, pk: int) -> HttpResponse:
    invitation = get_object_or_404(Invitation, pk=pk)
    if request.method == "POST":
        if invitations.revoke(invitation=invitation, actor=request.user):
            messages.success(request, f"Invitation for {invitation.email} revoked")
        else:
            messages.warning(request, f"The invitation for {invitation.email} was no longer pending")
        return redirect("people:person-list")
    return confirm_page(
        request,
        heading="Users",
        title=f"Revoke the invitation for {invitation.email}?",
        text="The link stops working immediately. You can invite the same address again.",
        verb="Revoke",
        cancel="people:person-list",
    )


@login_not_required
@never_cache
@sensitive_post_parameters("password", "repeated")
@require_http_methods(["GET", "POST"])
@secret_link
def accept(request: HttpRequest, token: str) -> HttpResponse:
    try:
        invitation = invitations.find(token)
        if request.user.is_authenticated:
            raise InvitationRefused(InvitationRefused.OTHER_USER, invitation)
        form = AcceptForm(request.POST or None, invitation=invitation)
        if not form.is_valid():
            context = {"form": form, "invitation": invitation}
            return render(request, "accounts/invitation_accept.html", context, status=422 if form.is_bound else 200)
        account = form.account()
        del account["email"]
        user = invitations.accept(token=token, **account)
    except InvitationRefused as refusal:
        return _refuse(request, refusal)
    get_adapter().login(request, user)
    messages.success(request, "Account created")
    return redirect("dashboard")


def _refuse(request: HttpRequest, refusal: InvitationRefused) -> HttpResponse:
    actor = request.user if isinstance(request.user, User) else None
    details = {"reason": refusal.reason}
    record_denied(action=AccountsAction.INVITATION_ACCEPT, actor=actor, target=refusal.invitation, details=details)
    status = 409 if refusal.reason == InvitationRefused.OTHER_USER else 410
    return render(request, "accounts/invitation_refused.html", {"reason": refusal.reason}, status=status)
