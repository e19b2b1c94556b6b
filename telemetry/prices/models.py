"""What administrators say of prices and of models."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from telemetry import pricing


class PriceOverrideQuerySet(models.QuerySet["PriceOverride"]):
    def of(self, provider: str, *model_names: str) -> list[pricing.PriceOverride]:
        """The overrides for the models so named, as pricing takes them."""
        return [row.for_pricing() for row in self.filter(provider=provider, model__in=model_names)]


class PriceOverride(models.Model):
    """A price that wins over the price list: USD per million tokens of each class."""

    provider = models.CharField(max_length=30)
    model = models.CharField(max_length=200, help_text="Exact model name.")
    valid_from = models.DateTimeField(default=timezone.now)
    valid_until = models.DateTimeField(
        null=True, blank=True, help_text="From then on the price list holds again. Empty: until a newer price is set."
    )
    input_price = models.DecimalField("input", max_digits=12, decimal_places=6)
    cache_read_price = models.DecimalField("cache read", max_digits=12, decimal_places=6)
    cache_write_price = models.DecimalField("cache write", max_digits=12, decimal_places=6)
    output_price = models.DecimalField("output, reasoning included", max_digits=12, decimal_places=6)

    objects = PriceOverrideQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["provider", "model", "-valid_from"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["provider", "model", "valid_from"], name="one_price_at_a_time"),
            models.CheckConstraint(
                condition=Q(input_price__gte=0, cache_read_price__gte=0, cache_write_price__gte=0, output_price__gte=0),
                name="price_is_not_negative",
                violation_error_message="A price is not below zero.",
            ),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from")),
                name="price_ends_after_it_begins",
                violation_error_message="Must be after the start.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.model} from {self.valid_from:%Y-%m-%d}"

    def for_pricing(self) -> pricing.PriceOverride:
        prices = pricing.UnitPrices(
            input=self.input_price,
            cache_read=self.cache_read_price,
            cache_write=self.cache_write_price,
            output=self.output_price,
        )
        return pricing.PriceOverride(self.provider, self.model, self.valid_from, prices, self.valid_until)


class PriceList(models.Model):
    """A price list of genai-prices, newer than the one that AISTRALE came with. The newest one holds."""

    name = models.CharField(max_length=100, help_text="As receipts name it.")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the file.")
    content = models.BinaryField(help_text="The file, compressed by gzip.")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-added_at", "-id"]

    def __str__(self) -> str:
        return self.name


class ModelRetirement(models.Model):
    """When a provider takes a model out of service, and what it recommends instead."""

    provider = models.CharField(max_length=30)
    model = models.CharField(max_length=200, help_text="Exact model name.")
    retires_on = models.DateField()
    replacement = models.CharField(max_length=200, blank=True, help_text="Model that takes its place.")

    class Meta:
        ordering: ClassVar[list[str]] = ["retires_on", "provider", "model"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["provider", "model"], name="a_model_retires_once"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.model} on {self.retires_on}"
