"""What a backtest is made of: which calls, replayed with what, within which limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, F, IntegerField, OuterRef
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils import timezone

from accounts.providers import provider_choices
from inference.backtests.models import MOST_CALLS, MOST_PARALLEL, BacktestCall
from inference.backtests.services import Plan
from inference.chat.forms import MODEL_LIMIT, parameter_field, parameters_of
from inference.runs.start import ENDPOINT_GONE
from listing.forms import PERIODS, MomentField
from prompts.models import Prompt
from prompts.pages.forms import JsonField
from telemetry.models import Generation, Status
from tokens.services import pick_token

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from accounts.models import User

# Of the newest calls that match, so many are drawn from.
MOST_MATCHING = 100_000
MOST_USD = Decimal(100_000)
LARGEST_NUMBER = 2**31 - 1
NO_CALLS = "No calls match. Widen the filters."


class BacktestForm(forms.Form):
    """With ``call``, that call alone is replayed, and the other filters do not count."""

    call = forms.UUIDField(required=False, widget=forms.HiddenInput)
    prompt = forms.ModelChoiceField(Prompt.objects.none(), required=False, empty_label="Any")
    version = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_NUMBER)
    label = forms.CharField(
        required=False, max_length=50, label="Label", help_text="Calls whose version had this label at the time."
    )
    from_provider = forms.ChoiceField(
        required=False, label="Provider", choices=lambda: [("", "Any"), *provider_choices()]
    )
    from_model = forms.CharField(required=False, max_length=MODEL_LIMIT, label="Model")
    status = forms.ChoiceField(
        required=False,
        initial=Status.SUCCEEDED,
        choices=[("", "Any"), *(one for one in Status.choices if one[0] != Status.RUNNING)],
    )
    range = forms.ChoiceField(
        required=False,
        label="Time",
        initial="7d",
        choices=[("", "Any"), *((key, label) for key, (label, _) in PERIODS.items())],
    )
    start = MomentField(required=False, label="From")
    end = MomentField(required=False, label="To")
    sample = forms.IntegerField(
        label="Sample size",
        min_value=1,
        max_value=MOST_CALLS,
        initial=50,
        help_text="Sampled at random from the matching calls.",
    )
    target_version = forms.IntegerField(
        required=False,
        label="Prompt version",
        min_value=1,
        max_value=LARGEST_NUMBER,
        help_text="Replays use this version with the original variables. Empty: the original messages.",
    )
    provider = forms.ChoiceField(required=False, choices=lambda: [("", "As each call"), *provider_choices()])
    model = forms.CharField(
        required=False,
        max_length=MODEL_LIMIT,
        help_text="Empty: the model and parameters of each call.",
        widget=forms.TextInput(attrs={"spellcheck": "false"}),
    )
    endpoint = forms.UUIDField(required=False, widget=forms.HiddenInput)
    parameters = JsonField(dict, help_text='JSON, such as {"temperature": 0}. Only with a model.')
    budget_usd = forms.DecimalField(
        label="Budget (USD)",
        max_value=MOST_USD,
        max_digits=12,
        decimal_places=6,
        initial=Decimal(1),
        help_text="No call is started that might exceed it.",
    )
    parallel = forms.IntegerField(label="Calls at once", min_value=1, max_value=MOST_PARALLEL, initial=4)

    source_names = ("prompt", "version", "label", "from_provider", "from_model", "status", "range", "start", "end")
    target_names = ("target_version", "provider", "model", "parameters")
    limit_names = ("budget_usd", "parallel")

    def __init__(self, data: Mapping[str, str] | None, *, user: User, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self._user = user
        prompt = cast("forms.ModelChoiceField[Prompt]", self.fields["prompt"])
        prompt.queryset = Prompt.objects.visible_to(user).order_by("name")
        self.fields["parameters"].widget.attrs["rows"] = 3
        if (data or initial or {}).get("call"):
            self.fields["sample"].required = False

    def source(self) -> list[forms.BoundField]:
        return [self[name] for name in (*self.source_names, "sample")]

    def target(self) -> list[forms.BoundField]:
        return [self[name] for name in self.target_names]

    def limits(self) -> list[forms.BoundField]:
        return [self[name] for name in self.limit_names]

    def clean_budget_usd(self) -> Decimal:
        budget: Decimal = self.cleaned_data["budget_usd"]
        if budget <= 0:
            raise ValidationError("The budget must be more than $0.")
        return budget

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if call := cleaned.get("call"):
            self._single = Generation.objects.filter(user=self._user, pk=call).first()
        if self._single is None and self["call"].value():
            self.add_error(None, "This call does not exist or is not yours.")
        self._clean_target(cleaned)
        if not self.errors and not self._call_ids():
            self.add_error(None, NO_CALLS)
        return cleaned

    _single: Generation | None = None

    def _clean_target(self, cleaned: dict[str, Any]) -> None:
        if bool(cleaned.get("provider")) != bool(cleaned.get("model")):
            self.add_error("model", "Choose a provider and a model, or neither.")
        if cleaned.get("endpoint") and not self._may_use(cleaned):
            self.add_error("model", ENDPOINT_GONE)
        if number := cleaned.get("target_version"):
            prompt = self._prompt(cleaned)
            if prompt is None:
                self.add_error("target_version", "Choose the prompt that the calls were made from first.")
            elif not prompt.versions.filter(number=number).exists():
                self.add_error("target_version", f"“{prompt}” has no version {number}.")
        if cleaned.get("parameters"):
            self._check_parameters(cleaned)

    def _may_use(self, cleaned: Mapping[str, Any]) -> bool:
        provider, token_id = cleaned.get("provider", ""), cleaned["endpoint"]
        return pick_token(user=self._user, provider=provider, token_id=token_id) is not None

    def _check_parameters(self, cleaned: dict[str, Any]) -> None:
        known = {one.name: one for one in parameters_of(cleaned.get("provider", ""), cleaned.get("model", ""))}
        for name, value in cleaned["parameters"].items():
            try:
                if name not in known:
                    raise ValidationError(f"The model takes no parameter “{name}”.")
                text = "\n".join(map(str, value)) if isinstance(value, list) else value
                parameter_field(known[name]).clean(text)
            except ValidationError as error:
                self.add_error("parameters", error)

    def _prompt(self, cleaned: Mapping[str, Any]) -> Prompt | None:
        """That of the single call, or the one that was chosen."""
        if self._single is None:
            return cleaned.get("prompt")
        prompt_id = self._single.prompt_id
        return Prompt.objects.visible_to(self._user).filter(pk=prompt_id).first() if prompt_id else None

    def plan(self) -> Plan:
        """Only for a valid form."""
        cleaned = self.cleaned_data
        names = ("target_version", "provider", "model", "parameters", "budget_usd", "parallel")
        plan: dict[str, Any] = {name: cleaned[name] for name in names}
        prompt = self._prompt(cleaned)
        return Plan(
            title=_title(self._single, prompt, cleaned),
            call_ids=self._call_ids(),
            sample=1 if self._single else cleaned["sample"],
            filters=self._filters(),
            prompt=prompt,
            token_id=cleaned["endpoint"],
            **plan,
        )

    def _filters(self) -> dict[str, Any]:
        """As they are stored: with moments in place of periods that move."""
        cleaned = self.cleaned_data
        if self._single:
            return {"call": str(self._single.pk)}
        start, end = self._period()
        found = {
            "version": cleaned["version"],
            "label": cleaned["label"],
            "provider": cleaned["from_provider"],
            "model": cleaned["from_model"],
            "status": cleaned["status"],
            "start": start.isoformat() if start else "",
            "end": end.isoformat() if end else "",
        }
        return {name: value for name, value in found.items() if value}

    def _period(self) -> tuple[datetime | None, datetime | None]:
        cleaned = self.cleaned_data
        start: datetime | None = cleaned["start"]
        if not start and cleaned["range"]:
            start = timezone.now() - PERIODS[cleaned["range"]][1]
        return start, cleaned["end"]

    def _call_ids(self) -> list[UUID]:
        if self._single:
            return [self._single.pk]
        return list(self._calls().order_by("-started_at", "-id").values_list("pk", flat=True)[:MOST_MATCHING])

    def _calls(self) -> QuerySet[Generation]:
        """Of the user's own, without replays of other backtests."""
        cleaned = self.cleaned_data
        lookups = {
            "prompt_id": cleaned["prompt"].pk if cleaned["prompt"] else None,
            "prompt_version": cleaned["version"],
            "provider": cleaned["from_provider"],
            "request_model": cleaned["from_model"],
            "status": cleaned["status"],
        }
        start, end = self._period()
        bounds = {"started_at__gte": start, "started_at__lt": end}
        replays = BacktestCall.objects.filter(replay_id=OuterRef("pk"))
        calls = Generation.objects.filter(~Exists(replays), user=self._user).exclude(status=Status.RUNNING)
        calls = calls.filter(**{name: value for name, value in (lookups | bounds).items() if value})
        if label := cleaned["label"]:
            served = Cast(KeyTextTransform(label, "prompt_labels"), IntegerField())
            calls = calls.alias(served=served).filter(served=F("prompt_version"))
        return calls


def _title(single: Generation | None, prompt: Prompt | None, cleaned: Mapping[str, Any]) -> str:
    version = cleaned["target_version"]
    new = " on ".join(filter(None, (f"v{version}" if version else "", cleaned["model"]))) or "Same prompt and model"
    if single is not None:
        return f"{new}, one call to {single.request_model}"
    old = cleaned["label"] or (f"v{cleaned['version']}" if cleaned["version"] else "") or cleaned["from_model"]
    return f"{new}, {' '.join(filter(None, (prompt.name if prompt else '', old)))} calls".replace("  ", " ")


class StartForm(forms.Form):
    """The consent to calls whose cost nobody knows."""

    most_unpriced = forms.IntegerField(
        label="Calls without a known price, at most",
        min_value=1,
        max_value=MOST_CALLS,
        help_text="Their cost is unknown and not part of the budget.",
    )
