"""Parameter presets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from inference.models import ParameterPreset

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = pytest.mark.django_db
URL = "/chat/presets/"
HTMX = {"HX-Request": "true"}
ECHO = {"provider": "echo", "model": "echo"}
ClientOf = Callable[["User"], Client]


def test_it_saves_what_is_set_under_a_name_and_offers_it(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    sent = {"name": "Slow", **ECHO, "param-delay_ms": "200", "param-length": ""}
    assert "“Slow” saved" in client.post(URL, sent, headers=HTMX).content.decode()

    assert ParameterPreset.objects.get(owner=alice).parameters == {"delay_ms": 200}
    page = client.get(URL, headers=HTMX).content.decode()
    assert "Slow" in page and "{&quot;delay_ms&quot;: &quot;200&quot;}" in page


def test_a_preset_of_the_same_name_is_replaced(alice: User, client_of: ClientOf) -> None:
    for length in ("10", "20"):
        client_of(alice).post(URL, {"name": "Short", **ECHO, "param-length": length}, headers=HTMX)
    assert ParameterPreset.objects.get().parameters == {"length": 20}


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ({"name": "", "param-length": "10"}, "Enter a name."),
        ({"name": "None"}, "Set at least one parameter first."),
        ({"name": "Wrong", "param-length": "0"}, "Length must be a whole number from 1 to 10,000."),
    ],
)
def test_it_says_why_nothing_is_saved(alice: User, client_of: ClientOf, sent: dict[str, str], problem: str) -> None:
    answer = client_of(alice).post(URL, {**ECHO, **sent}, headers=HTMX)
    assert answer.status_code == 422 and problem in answer.content.decode()
    assert not ParameterPreset.objects.exists()


def test_a_preset_belongs_to_its_user_alone(alice: User, bob: User, client_of: ClientOf) -> None:
    preset = ParameterPreset.objects.create(owner=alice, name="Mine", parameters={"length": 5})
    assert "Mine" not in client_of(bob).get(URL, headers=HTMX).content.decode()
    assert client_of(bob).post(f"{URL}{preset.pk}/delete/", headers=HTMX).status_code == 404
    assert "Mine" not in client_of(alice).post(f"{URL}{preset.pk}/delete/", headers=HTMX).content.decode()
    assert not ParameterPreset.objects.exists()
