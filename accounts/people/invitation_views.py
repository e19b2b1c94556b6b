"""Inviting people, for administrators; and the page that an invitation's link leads to."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts.actions import AccountsAction
from accounts.login.reauthentication import confirmed
from accounts.login.throttling import secret_link
from accounts.mail import MailNotSent
from accounts.models import Invitation, User
from accounts.people import invitations
from accounts.people.forms import AcceptForm, InviteForm
from accounts.people.invitations import AlreadyUser, InvitationRefused, Invited
from accounts.requests import UserRequest, administrators_only, confirm_page
from audit.services import record_denied


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
