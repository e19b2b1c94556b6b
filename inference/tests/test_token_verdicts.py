"""What an answer of a provider says of the token that the call was made with."""

from __future__ import annotations

import pytest

from accounts.models import User
from audit.models import AuditEvent
from inference.runs.active import Runs
from inference.runs.database import in_thread
from inference.tests.conftest import StartRuns
from inference.tests.test_active_runs import ended, start, token_of_alice
from telemetry.models import Generation
from tokens.actions import TokensAction
from tokens.checks import TokenState
from tokens.models import ProviderToken
from tokens.services import replace_secret

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["token_of_alice"]


async def finished(user: User, runs: Runs, model: str) -> Generation:
    order = await start(user, model)
    runs.launch(order)
    return await ended(order)


@pytest.mark.usefixtures("token_of_alice")
async def test_it_marks_a_token_that_the_provider_refuses_and_unmarks_it(alice: User, start_runs: StartRuns) -> None:
    runs = await start_runs()
    await finished(alice, runs, "status-401")
    refused = await in_thread(ProviderToken.objects.get)()
    await finished(alice, runs, "words-2")
    taken = await in_thread(ProviderToken.objects.get)()
    tests = await in_thread(
        lambda: list(AuditEvent.objects.filter(action=TokensAction.TOKEN_TEST).order_by("sequence"))
    )()

    assert (refused.state, refused.check_message) == (TokenState.REFUSED, "made-up failure 401")
    assert refused.checked_at is not None
    assert (taken.state, taken.check_message) == (TokenState.WORKING, "")
    assert [event.after for event in tests] == [{"state": "refused"}, {"state": "working"}]


@pytest.mark.usefixtures("token_of_alice")
async def test_it_judges_a_token_once(alice: User, start_runs: StartRuns) -> None:
    runs = await start_runs()
    for _ in range(2):
        await finished(alice, runs, "status-401")

    assert await in_thread(AuditEvent.objects.filter(action=TokensAction.TOKEN_TEST).count)() == 1


@pytest.mark.usefixtures("token_of_alice")
async def test_it_does_not_judge_a_secret_that_was_entered_since(alice: User, start_runs: StartRuns) -> None:
    runs = await start_runs()
    order = await start(alice, "status-401")
    token = await in_thread(ProviderToken.objects.get)()
    await in_thread(replace_secret)(token=token, actor=alice, secret="sk-new-5678")
    runs.launch(order)
    await ended(order)

    assert (await in_thread(ProviderToken.objects.get)()).state == TokenState.UNTESTED


@pytest.mark.usefixtures("token_of_alice")
async def test_it_does_not_take_a_limit_for_a_refusal(alice: User, start_runs: StartRuns) -> None:
    await finished(alice, await start_runs(), "status-403")

    assert (await in_thread(ProviderToken.objects.get)()).state == TokenState.UNTESTED
