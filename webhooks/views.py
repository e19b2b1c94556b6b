"""One's own webhooks, and what was sent to each."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import OuterRef, Subquery
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.requests import UserRequest, confirm_page
from listing.pages import get_page, render_list
from webhooks import services
from webhooks.delivering import MOST_ATTEMPTS, content_of
from webhooks.forms import WebhookForm
from webhooks.models import Delivery, Webhook

# Each is one more request for every move of a label.
MOST_WEBHOOKS = 20
TOO_MANY = f"You have {MOST_WEBHOOKS} webhooks. Delete one first."
FIELDS = ("name", "url", "name_prefix", "labels", "on_moves", "on_budgets", "is_active")
DELIVERIES_SHOWN = 20


@require_safe
def webhook_list(request: UserRequest) -> HttpResponse:
    newest = Delivery.objects.filter(webhook=OuterRef("pk")).order_by("-created_at")[:1]
    webhooks = Webhook.objects.owned_by(request.user).annotate(
        last_state=Subquery(newest.values("state")), last_at=Subquery(newest.values("created_at"))
    )
    return render(request, "webhooks/webhook_list.html", {"webhooks": webhooks})


@require_http_methods(["GET", "POST"])
@sensitive_variables("secret")
def webhook_add(request: UserRequest) -> HttpResponse:
    form = WebhookForm(request.POST or None, user=request.user)
    if form.is_valid() and Webhook.objects.owned_by(request.user).count() >= MOST_WEBHOOKS:
        form.add_error(None, TOO_MANY)
    if not form.is_valid():
        return render(request, "webhooks/webhook_form.html", {"form": form}, status=422 if form.is_bound else 200)
    webhook, secret = services.create_webhook(owner=request.user, **form.cleaned_data)
    return render(request, "webhooks/secret_shown.html", {"webhook": webhook, "secret": secret})


@require_safe
def webhook_detail(request: UserRequest, pk: UUID) -> HttpResponse:
    webhook = _own(request.user, pk)
    deliveries = webhook.deliveries.select_related("webhook", "move__prompt", "move__actor", "alert__budget__team")
    page = get_page(deliveries, request.GET, by=["-created_at", "-id"], size=DELIVERIES_SHOWN)
    context = {
        "webhook": webhook,
        "page": page,
        "rows": [(delivery, content_of(delivery)) for delivery in page.rows],
        "is_polled": any(delivery.is_pending and not delivery.attempts for delivery in page.rows),
        "most_attempts": MOST_ATTEMPTS,
    }
    return render_list(request, "webhooks/webhook_detail.html", context)


@require_http_methods(["GET", "POST"])
def webhook_edit(request: UserRequest, pk: UUID) -> HttpResponse:
    webhook = _own(request.user, pk)
    initial = {name: getattr(webhook, name) for name in FIELDS}
    form = WebhookForm(request.POST or None, initial=initial, user=request.user)
    if form.is_valid():
        services.update_webhook(webhook=webhook, actor=request.user, **form.cleaned_data)
        messages.success(request, "Webhook saved")
        return redirect(webhook)
    context = {"form": form, "webhook": webhook}
    return render(request, "webhooks/webhook_form.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
@sensitive_variables("secret")
def webhook_secret(request: UserRequest, pk: UUID) -> HttpResponse:
    webhook = _own(request.user, pk)
    if request.method == "POST":
        secret = services.replace_secret(webhook=webhook, actor=request.user)
        return render(request, "webhooks/secret_shown.html", {"webhook": webhook, "secret": secret})
    return confirm_page(
        request,
        heading=webhook.name,
        title="Replace the signing secret?",
        text="Whatever is sent from now on, also again, is signed with the new secret. Receivers must know it.",
        verb="Replace secret",
        cancel=webhook,
    )


@require_POST
def webhook_test(request: UserRequest, pk: UUID) -> HttpResponse:
    webhook = _own(request.user, pk)
    services.send_test(webhook=webhook, actor=request.user)
    messages.success(request, "Test queued. The response appears below.")
    return redirect(webhook)


@require_http_methods(["GET", "POST"])
def webhook_delete(request: UserRequest, pk: UUID) -> HttpResponse:
    webhook = _own(request.user, pk)
    if request.method == "POST":
        services.delete_webhook(webhook=webhook, actor=request.user)
        messages.success(request, f"Webhook “{webhook}” deleted")
        return redirect("webhooks:webhook-list")
    return confirm_page(
        request,
        heading=webhook.name,
        title=f"Delete “{webhook}”?",
        text="Nothing more is sent to it. The log of its deliveries is permanently deleted.",
        verb="Delete webhook",
        cancel=webhook,
    )


@require_POST
def delivery_send_again(request: UserRequest, pk: UUID) -> HttpResponse:
    own = Webhook.objects.owned_by(request.user)
    delivery = get_object_or_404(Delivery.objects.select_related("webhook__owner"), pk=pk, webhook__in=own)
    if services.send_again(delivery=delivery, actor=request.user):
        messages.success(request, "Queued to be sent again")
    else:
        messages.info(request, "This delivery is already pending")
    return redirect(delivery.webhook)


def _own(user: User, pk: UUID) -> Webhook:
    return get_object_or_404(Webhook.objects.owned_by(user).select_related("owner"), pk=pk)
