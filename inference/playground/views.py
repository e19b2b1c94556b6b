"""The pages of the playground."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Prefetch
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts.requests import UserRequest, confirm_page
from accounts.share_pages import share_page
from inference.conversations.forms import id_from
from inference.playground import services
from inference.playground.actions import PlaygroundAction
from inference.playground.filters import PlaygroundFilter
from inference.playground.forms import RenameForm
from inference.playground.models import Panel, Playground
from inference.playground.origins import origin_of
from inference.playground.shown import shown
from listing.pages import get_page, render_list

PANELS = "panels-area"


@require_safe
def playground_list(request: UserRequest) -> HttpResponse:
    panels = Panel.objects.only("playground_id", "position", "provider", "model", "prompt_name", "prompt_version")
    visible = Playground.objects.visible_to(request.user).select_related("owner", "team")
    visible = visible.prefetch_related(Prefetch("panels", panels))
    form = PlaygroundFilter(request.GET, user=request.user)
    page = get_page(form.narrow(visible), request.GET, by=["-updated_at", "-id"])
    return render_list(request, "playground/playground_list.html", {"form": form, "page": page})


@require_POST
def playground_add(request: UserRequest) -> HttpResponse:
    """A new one, empty or with what ``prompt``, ``message`` or ``call`` names as its first panel."""
    try:
        origin = origin_of(request.user, request.POST)
    except ObjectDoesNotExist as error:
        raise Http404 from error
    playground = services.create_playground(
        owner=request.user,
        title=origin.title,
        draft=origin.draft,
        version=origin.version,
        values=origin.values,
        token_id=origin.token_id,
        files=origin.files,
    )
    for note in origin.notes:
        messages.warning(request, note)
    return HttpResponseClientRedirect(playground.get_absolute_url()) if request.htmx else redirect(playground)


@require_safe
def playground_detail(request: UserRequest, pk: UUID) -> HttpResponse:
    """The page, or its panels alone where htmx is going to swap them.

    ``view=diff`` marks where answers differ from the answer ``base``, or else from the first one.
    """
    base = id_from(request.GET.get("base", ""))
    page = shown(_visible(request, pk), request.user, as_diff=request.GET.get("view") == "diff", base=base)
    part = "#panels" if request.htmx.target == PANELS else ""
    response = render(request, f"playground/playground_detail.html{part}", {"page": page})
    patch_vary_headers(response, ["HX-Target"])
    return response


@require_http_methods(["GET", "POST"])
def playground_rename(request: UserRequest, pk: UUID) -> HttpResponse:
    playground = _editable(request, pk)
    form = RenameForm(request.POST or None, instance=playground)
    if form.is_valid():
        services.rename_playground(playground=playground, title=form.cleaned_data["title"])
        messages.success(request, "Renamed")
        return redirect(playground)
    part = "#dialog" if request.htmx else ""
    context = {"playground": playground, "form": form}
    status = 422 if form.is_bound else 200
    return render(request, f"playground/playground_rename.html{part}", context, status=status)


@require_http_methods(["GET", "POST"])
def playground_share(request: UserRequest, pk: UUID) -> HttpResponse:
    return share_page(
        request,
        _editable(request, pk),
        action=PlaygroundAction.PLAYGROUND_SHARE,
        help_text="They can see panels, values and answers with their cost. Only you can change and run them.",
    )


@require_http_methods(["GET", "POST"])
def playground_delete(request: UserRequest, pk: UUID) -> HttpResponse:
    playground = _editable(request, pk)
    if request.method == "POST":
        services.delete_playground(playground=playground, actor=request.user)
        messages.success(request, f"“{playground.title}” deleted")
        return redirect("playground:playground-list")
    return confirm_page(
        request,
        heading="Delete playground",
        title=f"Delete “{playground.title}”?",
        text="Its panels and values are permanently deleted. Call records stay in telemetry.",
        verb="Delete playground",
        cancel=playground,
    )


def _visible(request: UserRequest, pk: UUID) -> Playground:
    visible = Playground.objects.visible_to(request.user).select_related("owner", "team")
    return get_object_or_404(visible, pk=pk)


def _editable(request: UserRequest, pk: UUID) -> Playground:
    return get_object_or_404(Playground.objects.editable_by(request.user).select_related("owner", "team"), pk=pk)
