"""Who reads a prompt."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import ApiKey
from prompts.models.registry import Prompt


class KeyRead(models.Model):
    """That a program has read a prompt with an API key: what it asked for and got last, and when, to the minute."""

    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="key_reads")
    key = models.ForeignKey(ApiKey, models.CASCADE, related_name="+")
    label = models.CharField(max_length=50, blank=True)
    version = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["prompt", "key"], name="key_reads_prompt_once"),
        ]

    def __str__(self) -> str:
        return f"{self.key} reads {self.prompt}"
