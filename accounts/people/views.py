"""The list of users, and what administrators do for an account."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from accounts.login.mfa import remove_factors
from accounts.login.reauthentication import confirmed
from accounts.models import Role, User
from accounts.people.forms import PeopleFilter, RoleForm
from accounts.people.rows import persons
from accounts.people.services import LastAdministrator, change_role, password_link, set_active
from accounts.requests import UserRequest, administrators_only, confirm_page
from accounts.sessions.services import MOST_SHOWN, end_sessions, live_sessions
from audit.text import counted
from listing.pages import get_page, render_list

# Of the open ones, the newest first, on the first page; the others are found by a search.
INVITATIONS_SHOWN = 50
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
