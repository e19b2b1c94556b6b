"""The page of prices. Everybody may read it; administrators change it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.requests import UserRequest, administrators_only, confirm_page
from telemetry.prices import price_lists, services
from telemetry.prices.dependents import with_dependents
from telemetry.prices.forms import PriceForm, RetirementForm
from telemetry.prices.models import ModelRetirement, PriceOverride
from telemetry.prices.page import priced_models
from telemetry.prices.retirements import retiring
from telemetry.pricing import price_list_name, unit_prices

TAKEN = "This model already has a price from this time. Change that price, or choose another time."


@require_safe
def price_list(request: UserRequest) -> HttpResponse:
    price_lists.refresh()
    users = None if request.user.is_administrator else [request.user.pk]
    now, search = timezone.now(), request.GET.get("q", "").strip()
    context = {
        "models": priced_models(users=users, now=now, search=search),
        "search": search,
        "retiring": with_dependents(retiring(users=users, now=now, notice=None), users=users, now=now),
        "price_list": price_list_name(),
    }
    return render(request, "telemetry/prices.html", context)


@administrators_only
@require_http_methods(["GET", "POST"])
def price_add(request: UserRequest) -> HttpResponse:
    form = PriceForm(request.POST or None, initial=_initial(request.GET))
    if form.is_valid():
        data = form.cleaned_data
        named = {"provider": data["provider"], "model": data["model"]}
        try:
            services.set_price(**named, valid_from=form.moment, prices=form.prices, actor=request.user)
        except services.PriceTaken:
            form.add_error("valid_from", TAKEN)
        else:
            messages.success(request, f"Price of {data['model']} set")
            return redirect("telemetry:price-list")
    return _form_page(request, form, "Set price")


def _initial(query: QueryDict) -> dict[str, Any]:
    """What the model costs so far."""
    provider, model = query.get("provider", ""), query.get("model", "")
    known = unit_prices(provider, model)
    prices = {name: getattr(known, name.removesuffix("_price")) for name in services.PRICES} if known else {}
    return {"provider": provider, "model": model, **prices}


@administrators_only
@require_http_methods(["GET", "POST"])
def price_change(request: UserRequest, pk: int) -> HttpResponse:
    price = get_object_or_404(PriceOverride, pk=pk)
    initial = {name: getattr(price, name) for name in ("valid_from", *services.PRICES)}
    form = PriceForm(request.POST or None, price=price, initial=initial)
    if form.is_valid():
        moment = form.cleaned_data["valid_from"] or price.valid_from
        try:
            services.change_price(price=price, valid_from=moment, prices=form.prices, actor=request.user)
        except services.PriceTaken:
            form.add_error("valid_from", TAKEN)
        else:
            messages.success(request, f"Price of {price.model} changed")
            return redirect("telemetry:price-list")
    return _form_page(request, form, f"Price of {price.model}")


@administrators_only
@require_http_methods(["GET", "POST"])
def price_end(request: UserRequest, pk: int) -> HttpResponse:
    price = get_object_or_404(PriceOverride, pk=pk)
    if request.method == "POST":
        services.end_price(price=price, actor=request.user)
        messages.success(request, f"Price of {price.model} ended")
        return redirect("telemetry:price-list")
    return confirm_page(
        request,
        heading="End price",
        title=f"End the price of {price.model}?",
        text="New calls use the price list again. Costs of past calls do not change.",
        verb="End price",
        cancel="telemetry:price-list",
    )


@administrators_only
@require_http_methods(["GET", "POST"])
def retirement_edit(request: UserRequest) -> HttpResponse:
    """Of the model in the address."""
    named = {name: request.GET.get(name, "") for name in ("provider", "model")}
    entry = ModelRetirement.objects.filter(**named).first()
    initial = {**named, "retires_on": entry.retires_on, "replacement": entry.replacement} if entry else named
    form = RetirementForm(request.POST or None, initial=initial)
    if form.is_valid():
        services.set_retirement(**form.cleaned_data, actor=request.user)
        messages.success(request, f"Retirement of {form.cleaned_data['model']} saved")
        return redirect("telemetry:price-list")
    return _form_page(request, form, "Model retirement")


def _form_page(request: UserRequest, form: PriceForm | RetirementForm, title: str) -> HttpResponse:
    context = {"form": form, "title": title, "is_price": isinstance(form, PriceForm)}
    return render(request, "telemetry/price_form.html", context, status=422 if form.is_bound else 200)
