"""Pages of saved views: saving, renaming, sharing and deleting them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.views.decorators.http import require_http_methods

from accounts.requests import UserRequest, confirm_page
from accounts.share_pages import share_page
from telemetry.actions import TelemetryAction
from telemetry.explorer import services
from telemetry.explorer.forms import SHARED, NameForm, SaveForm
from telemetry.explorer.models import SavedView

LIST = "telemetry:generation-list"


@require_http_methods(["GET", "POST"])
def view_add(request: UserRequest) -> HttpResponse:
    """What the query of this address shows of the list, by a name."""
    form = SaveForm(request.POST or None, owner=request.user, query=request.GET.urlencode())
    if form.is_valid():
        given = form.cleaned_data
        view = services.save_view(
            owner=request.user, name=given["name"], query=given["query"], audience=given["audience"]
        )
        messages.success(request, f"View “{view}” saved")
        return redirect(view)
    return _dialog(request, form, heading="Save view", verb="Save")


@require_http_methods(["GET", "POST"])
def view_rename(request: UserRequest, pk: UUID) -> HttpResponse:
    view = _own(request, pk)
    form = NameForm(request.POST or None, instance=_own(request, pk))
    if form.is_valid():
        services.rename_view(view=view, name=form.cleaned_data["name"], actor=request.user)
        messages.success(request, "View renamed")
        return redirect(view)
    return _dialog(request, form, heading=f"Rename “{view}”", verb="Rename", cancel=view)


@require_http_methods(["GET", "POST"])
def view_share(request: UserRequest, pk: UUID) -> HttpResponse:
    return share_page(request, _own(request, pk), action=TelemetryAction.VIEW_SHARE, help_text=SHARED)


@require_http_methods(["GET", "POST"])
def view_delete(request: UserRequest, pk: UUID) -> HttpResponse:
    view = _own(request, pk)
    if request.method == "POST":
        services.delete_view(view=view, actor=request.user)
        messages.success(request, f"View “{view}” deleted")
        return redirect(LIST)
    return confirm_page(
        request,
        heading="Delete view",
        title=f"Delete “{view}”?",
        text="The view is deleted for everyone it is shared with. Calls are not affected.",
        verb="Delete view",
        cancel=view,
    )


def _own(request: UserRequest, pk: UUID) -> SavedView:
    return get_object_or_404(SavedView.objects.editable_by(request.user).select_related("team"), pk=pk)


def _dialog(
    request: UserRequest, form: BaseForm, *, heading: str, verb: str, cancel: str | SavedView = LIST
) -> HttpResponse:
    template = "telemetry/view_form.html#dialog" if request.htmx else "telemetry/view_form.html"
    context = {"form": form, "heading": heading, "verb": verb, "cancel": resolve_url(cancel)}
    return render(request, template, context, status=422 if form.is_bound else 200)
