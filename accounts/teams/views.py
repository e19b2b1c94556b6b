"""Teams: users see those they belong to and may leave them, administrators manage all of them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models.functions import Lower
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import NameForm
from accounts.models import Membership, Team, User
from accounts.requests import UserRequest, administrators_only, confirm_page
from accounts.teams import services as team_services
from accounts.teams.forms import MemberForm, MemberSearch, TeamForm, TeamSearch
from listing.pages import get_page, render_list

ASKED = 3
# Each with its first members.
TEAMS_ON_A_PAGE = 20


@require_safe
def team_list(request: UserRequest) -> HttpResponse:
    form = TeamSearch(request.GET)
    teams = form.narrow(Team.objects.visible_to(request.user).with_first_members(request.user))
    page = get_page(teams.annotate(key=Lower("name")), request.GET, by=["key"], size=TEAMS_ON_A_PAGE)
    administrators = User.objects.administrators().order_by("name", "email")[:ASKED]
    context = {"form": form, "page": page, "administrators": administrators}
    return render_list(request, "accounts/team_list.html", context)


@require_safe
def team_detail(request: UserRequest, pk: UUID) -> HttpResponse:
    team = get_object_or_404(Team.objects.visible_to(request.user), pk=pk)
    form = MemberSearch(request.GET)
    members = form.narrow(team.memberships.select_related("user"))
    page = get_page(members, request.GET, by=["user__name", "user__email"])
    return render_list(request, "accounts/team_detail.html", {"team": team, "form": form, "page": page})


@require_http_methods(["GET", "POST"])
@administrators_only
def team_add(request: UserRequest) -> HttpResponse:
    form = TeamForm(request.POST or None)
    if form.is_valid():
        team = team_services.create_team(name=form.cleaned_data["name"], actor=request.user)
        messages.success(request, f"Team “{team}” created")
        return redirect(team)
    return _form_page(request, form, title="Create team", verb="Create team")


@require_http_methods(["GET", "POST"])
@administrators_only
def team_rename(request: UserRequest, pk: UUID) -> HttpResponse:
    team = get_object_or_404(Team, pk=pk)
    form = TeamForm(request.POST or None, instance=team)
    if form.is_valid():
        team_services.rename_team(team=team, name=form.cleaned_data["name"], actor=request.user)
        messages.success(request, f"Team renamed to “{team}”")
        return redirect(team)
    return _form_page(request, form, title="Rename team", verb="Rename")


@require_http_methods(["GET", "POST"])
@administrators_only
def team_delete(request: UserRequest, pk: UUID) -> HttpResponse:
    team = get_object_or_404(Team, pk=pk)
    form = NameForm(request.POST or None, expected=team.name, label="Type the team name to confirm")
    if form.is_valid():
        team_services.delete_team(team=team, actor=request.user)
        messages.success(request, f"Team “{team}” deleted")
        return redirect("accounts:team-list")
    return confirm_page(
        request,
        heading="Teams",
        title=f"Delete team “{team}”?",
        text=team_services.humanize_privacy_loss(team),
        verb="Delete team",
        cancel="accounts:team-list",
        form=form,
    )


@require_http_methods(["GET", "POST"])
@administrators_only
def member_add(request: UserRequest, pk: UUID) -> HttpResponse:
    team = get_object_or_404(Team, pk=pk)
    form = MemberForm(request.POST or None, team=team)
    if form.is_valid():
        team_services.add_member(team=team, user=form.user, actor=request.user)
        messages.success(request, f"{form.user.get_full_name()} was added to “{team}”")
        return redirect(team)
    return _form_page(request, form, title=f"Add member to “{team}”", verb="Add member")


@require_http_methods(["GET", "POST"])
def member_remove(request: UserRequest, pk: UUID, user_pk: int) -> HttpResponse:
    """Administrators remove anybody, everybody removes themselves."""
    if not (request.user.is_administrator or request.user.pk == user_pk):
        raise Http404
    membership = get_object_or_404(Membership.objects.select_related("team", "user"), team=pk, user=user_pk)
    team, user = membership.team, membership.user
    leaves = user == request.user
    if request.method == "POST":
        team_services.remove_member(team=team, user=user, actor=request.user)
        messages.success(
            request, f"You left “{team}”" if leaves else f"{user.get_full_name()} was removed from “{team}”"
        )
        return redirect(team if Team.objects.visible_to(request.user).filter(pk=pk).exists() else "accounts:team-list")
    text = (
        f"{'You' if leaves else user.get_full_name()} can no longer see what others share with the team. "
        f"{team_services.humanize_privacy_loss(team, owner=user)}"
    )
    title = f"Leave “{team}”?" if leaves else f"Remove {user.get_full_name()} from “{team}”?"
    verb = "Leave" if leaves else "Remove"
    return confirm_page(request, heading="Teams", title=title, text=text, verb=verb, cancel="accounts:team-list")


def _form_page(request: UserRequest, form: TeamForm | MemberForm, *, title: str, verb: str) -> HttpResponse:
    template = f"accounts/team_form.html{'#dialog' if request.htmx else ''}"
    context = {"form": form, "title": title, "verb": verb, "action": request.path}
    return render(request, template, context, status=422 if form.is_bound else 200)
