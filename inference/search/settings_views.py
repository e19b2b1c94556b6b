"""Settings of search: whose content a provider may embed, and for administrators which one does."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.requests import UserRequest, administrators_only
from inference.providers.embedding import PROVIDERS_THAT_EMBED
from inference.search import choosing, indexing
from inference.search.embedders.base import EmbedderFailed
from inference.search.models import Change, Consent, Embedder, IndexedText
from inference.search.vectors import local_row
from tokens.models import ProviderToken


class EmbedderForm(forms.Form):
    token: forms.ModelChoiceField[ProviderToken] = forms.ModelChoiceField(
        ProviderToken.objects.none(), label="Provider key", empty_label="Choose a key"
    )
    model = forms.CharField(
        max_length=200,
        label="Embedding model",
        help_text="For example text-embedding-3-small or gemini-embedding-001. One call finds out its dimensions.",
    )

    def __init__(self, data: QueryDict | None = None, *, user: User) -> None:
        super().__init__(data)
        tokens = ProviderToken.objects.owned_by(user).usable()
        cast(Any, self.fields["token"]).queryset = tokens.filter(provider__in=PROVIDERS_THAT_EMBED)


@require_safe
def settings_page(request: UserRequest) -> HttpResponse:
    return _page(request, EmbedderForm(user=request.user))


def _page(request: UserRequest, form: EmbedderForm, status: int = 200) -> HttpResponse:
    external = Embedder.objects.exclude(provider="").exclude(state=Embedder.State.RETIRED)
    context = {
        "form": form,
        "local": local_row(),
        "embedders": [(each, choosing.progress_of(each)) for each in external],
        "consent": Consent.objects.filter(user=request.user).first(),
        "texts": IndexedText.objects.count(),
        "waiting": Change.objects.count(),
        "lag": indexing.lag(timezone.now()).total_seconds(),
    }
    return render(request, "search/settings.html", context, status=status)


@require_POST
def consent(request: UserRequest) -> HttpResponse:
    given = request.POST.get("given") == "yes"
    choosing.set_consent(user=request.user, given=given)
    messages.success(request, "Saved")
    return redirect("search:settings")


@require_POST
@administrators_only
def embedder_change(request: UserRequest) -> HttpResponse:
    form = EmbedderForm(request.POST, user=request.user)
    if not form.is_valid():
        return _page(request, form, status=422)
    token, model = form.cleaned_data["token"], form.cleaned_data["model"]
    try:
        choosing.choose_embedder(actor=request.user, token=token, model=model)
    except EmbedderFailed as error:
        form.add_error("model", str(error))
        return _page(request, form, status=422)
    messages.success(request, "Embedding started. Search uses the new embedder once it has finished.")
    return redirect("search:settings")


@require_POST
@administrators_only
def embedder_remove(request: UserRequest) -> HttpResponse:
    choosing.use_local_only(actor=request.user)
    messages.success(request, "Search uses only the local embedder.")
    return redirect("search:settings")
