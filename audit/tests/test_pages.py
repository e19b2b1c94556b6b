from __future__ import annotations

import csv
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone

from accounts.actions import AccountsAction
from audit import services
from audit.actions import AuditAction, Outcome
from audit.context import Source, bound
from audit.models import AuditEvent, AuditVerification
from listing.pages import PAGE_SIZE

if TYPE_CHECKING:
    from accounts.models import User

ClientOf = Callable[["User"], Client]
LIST = "/audit/"


def append(actor: User | None = None, **values: Any) -> AuditEvent:
    with transaction.atomic():
        return services.record(**{"action": AccountsAction.USER_UPDATE, "actor": actor, **values})


def shown(response: Any) -> list[int]:
    return [row.event.sequence for row in response.context["rows"]]


def text(response: Any) -> str:
    return cast(str, response.content.decode())


def exported(user: User, query: str) -> tuple[str, str]:
    """The body of an export and the header that says how to save it."""

    async def get() -> tuple[str, str]:
        client = AsyncClient()
        await client.aforce_login(user)
        response = cast(StreamingHttpResponse, await client.get(f"{LIST}export.{query}"))
        body = b"".join([chunk async for chunk in response])
        return body.decode(), response["Content-Disposition"]

    return async_to_sync(get)()


def test_it_shows_administrators_all(alice: User, bob: User, admin: User, client_of: ClientOf) -> None:
    append(alice), append(bob), append()
    assert shown(client_of(admin).get(LIST)) == [3, 2, 1]


def test_it_shows_engineers_what_concerns_them(alice: User, bob: User, client_of: ClientOf) -> None:
    append(alice), append(bob), append(), append(bob, target=alice)
    assert shown(client_of(alice).get(LIST)) == [4, 1]


@pytest.mark.parametrize("path", ["", "1/", "export.csv", "export.jsonl"])
def test_it_shows_nothing_to_anonymous_visitors(db: None, path: str) -> None:
    append()
    response = Client().get(LIST + path)
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("path", ["", "1/", "export.csv"])
def test_it_is_for_reading_only(alice: User, client_of: ClientOf, path: str) -> None:
    append(alice)
    assert client_of(alice).post(LIST + path).status_code == 405


def test_it_answers_for_a_foreign_entry_as_for_a_missing_one(alice: User, charlie: User, client_of: ClientOf) -> None:
    append(alice)
    assert client_of(charlie).get(f"{LIST}1/").status_code == 404
    assert client_of(charlie).get(f"{LIST}2/").status_code == 404


def test_it_shows_before_and_after(alice: User, client_of: ClientOf) -> None:
    append(alice, before={"shared": False, "hosts": ["a"]}, after={"shared": True, "hosts": ["a"]})
    response = client_of(alice).get(f"{LIST}1/")
    changes = [(change.name, change.before, change.after, change.differs) for change in response.context["changes"]]
    assert changes == [("hosts", '["a"]', '["a"]', False), ("shared", "false", "true", True)]


def test_it_shows_names_and_where_they_came_from(alice: User, client_of: ClientOf) -> None:
    with bound(source=Source.WEB, address="192.0.2.7", user_agent="Lynx/2.9", request_id="r-77"):
        append(alice, details={"typed": "a note"})
    page = text(client_of(alice).get(f"{LIST}1/"))
    assert all(value in page for value in ["alice@example.org", "192.0.2.7", "Lynx/2.9", "r-77", "a note"])


def test_it_hides_from_where_somebody_else_worked(alice: User, admin: User, client_of: ClientOf) -> None:
    with bound(source=Source.WEB, address="192.0.2.7", user_agent="Lynx/2.9"):
        append(admin, target=alice)
    for path in (LIST, f"{LIST}1/"):
        page = text(client_of(alice).get(path))
        assert "admin@example.org" in page
        assert "192.0.2.7" not in page
        assert "Lynx" not in page


def test_it_shows_who_tried_to_log_in_as_oneself(alice: User, client_of: ClientOf) -> None:
    with bound(source=Source.WEB, address="192.0.2.7"):
        append(target=alice, action=AccountsAction.SESSION_LOGIN_FAILED, outcome=Outcome.FAILED)
    assert "192.0.2.7" in text(client_of(alice).get(f"{LIST}1/"))


def test_it_says_that_details_were_erased(alice: User, admin: User, client_of: ClientOf) -> None:
    append(alice)
    services.erase_details(audit_id=alice.audit_id, actor=admin)
    page = text(client_of(admin).get(f"{LIST}1/"))
    assert "Deleted user" in page
    assert "The personal details of this entry were deleted" in page


def test_it_shows_hostile_names_as_text(alice: User, client_of: ClientOf) -> None:
    append(alice, before={"name": "<script>x</script>"}, details={"typed": "<img src=x>"})
    page = text(client_of(alice).get(f"{LIST}1/"))
    assert "<script>x" not in page
    assert "<img src=x>" not in page
    assert "&lt;script&gt;x" in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("actor=alice@example.org", [3, 1]),
        ("actor=ALICE@example.org&outcome=denied", [3]),
        ("outcome=denied", [3]),
        ("action=accounts:user:role_change", [2]),
        ("target=accounts.user", [2]),
        ("actor=bob@example.org&action=tokens:token:add", []),
        ("actor=&action=&outcome=&target=&start=&end=", [3, 2, 1]),
    ],
)
def test_it_filters(alice: User, bob: User, admin: User, client_of: ClientOf, query: str, expected: list[int]) -> None:
    append(alice)
    append(bob, action=AccountsAction.USER_ROLE, target=bob)
    append(alice, outcome=Outcome.DENIED)
    assert shown(client_of(admin).get(f"{LIST}?{query}")) == expected


def test_it_filters_by_one_object_and_by_pseudonym(alice: User, bob: User, admin: User, client_of: ClientOf) -> None:
    append(alice, target=bob), append(bob, target=alice)
    client = client_of(admin)
    assert shown(client.get(LIST, {"target": f"accounts.user:{bob.audit_id}"})) == [1]
    assert shown(client.get(LIST, {"actor": str(bob.audit_id)})) == [2]


@pytest.mark.parametrize(
    "query",
    [
        "actor=nobody@example.org",
        "outcome=x",
        "action=x",
        "target=x",
    ],
)
def test_it_marks_a_filter_it_can_not_read(alice: User, client_of: ClientOf, query: str) -> None:
    append(alice)
    response = client_of(alice).get(f"{LIST}?{query}")
    assert shown(response) == []
    assert "errorlist" in text(response)


def test_it_pages_from_the_newest_entry_on(alice: User, client_of: ClientOf) -> None:
    for _ in range(PAGE_SIZE + 1):
        append(alice)
    client = client_of(alice)
    first = client.get(f"{LIST}?outcome=success&range=1h")
    assert shown(first) == list(range(PAGE_SIZE + 1, 1, -1))
    assert shown(client.get(LIST + first.context["page"].older)) == [1]


def test_it_takes_few_queries_for_many_entries(
    alice: User, client_of: ClientOf, django_assert_max_num_queries: Any
) -> None:
    for _ in range(30):
        append(alice, target=alice)
    client = client_of(alice)
    with django_assert_max_num_queries(8):
        client.get(LIST)


def test_it_tells_how_far_the_chain_was_verified(admin: User, client_of: ClientOf) -> None:
    client = client_of(admin)
    assert "Not verified yet" in text(client.get(LIST))
    AuditVerification.objects.create(sequence=17, verified_at=timezone.now())
    assert "to entry 17" in text(client.get(LIST))


def test_it_tells_of_the_first_bad_entry(admin: User, client_of: ClientOf) -> None:
    AuditVerification.objects.create(
        sequence=16, verified_at=timezone.now(), problem_sequence=17, problem="its content does not match"
    )
    page = text(client_of(admin).get(LIST))
    assert "The log has been altered" in page
    assert "its content does not match" in page


@pytest.mark.django_db(transaction=True)
def test_it_exports_what_is_filtered(alice: User, bob: User, admin: User) -> None:
    append(alice, after={"number": 1}), append(bob), append(alice)
    body, disposition = exported(admin, "jsonl?actor=alice@example.org")
    rows = [json.loads(line) for line in body.splitlines()]
    assert [(row["sequence"], row["actor_name"]) for row in rows] == [
        (3, "alice@example.org"),
        (1, "alice@example.org"),
    ]
    assert rows[1]["after"] == {"number": 1}
    assert disposition.startswith('attachment; filename="audit-')


@pytest.mark.django_db(transaction=True)
def test_it_exports_only_what_one_may_see(alice: User, admin: User) -> None:
    append(admin), append(alice)
    with bound(source=Source.WEB, address="192.0.2.7"):
        append(admin, target=alice)
    body, _ = exported(alice, "jsonl")
    rows = [json.loads(line) for line in body.splitlines()]
    assert [row["sequence"] for row in rows] == [4, 3, 2]
    assert "192.0.2.7" not in body


@pytest.mark.django_db(transaction=True)
def test_it_records_an_export(alice: User) -> None:
    exported(alice, "csv?outcome=denied")
    event = AuditEvent.objects.get(action=AuditAction.AUDIT_EXPORT)
    assert (event.actor, event.after) == (alice.audit_id, {"format": "csv"})
    assert event.details.personal["filters"] == "outcome=denied"


@pytest.mark.django_db(transaction=True)
def test_it_neutralises_formulas_and_control_characters_in_csv(alice: User) -> None:
    for typed in ('=HYPERLINK("x")', " @SUM(1)", "-1+1", "+1", "\t=1", "a\r\n2,forged", "\x1b[2J\x9b\u2028"):
        append(alice, before={"name": typed})
        append(alice, target=None, details={"actor": typed})
    body, _ = exported(alice, "csv")
    rows = list(csv.reader(body.splitlines()))
    assert len(rows) == 1 + 15
    assert {len(row) for row in rows} == {18}
    assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert all(char.isprintable() or char in "\r\n" for char in body)


def test_it_exports_nothing_for_a_filter_it_can_not_read(alice: User, client_of: ClientOf) -> None:
    assert client_of(alice).get(f"{LIST}export.csv?outcome=x").status_code == 400
    assert not AuditEvent.objects.filter(action=AuditAction.AUDIT_EXPORT).exists()


def test_it_can_not_be_changed_in_the_admin(admin: User, client_of: ClientOf) -> None:
    append(admin)
    client = client_of(admin)
    assert client.get("/admin/audit/auditevent/?q=x").status_code == 200
    assert client.get("/admin/audit/auditevent/1/change/").status_code == 200
    assert client.get("/admin/audit/auditevent/add/").status_code == 403
    assert client.post("/admin/audit/auditevent/1/delete/", {"post": "yes"}).status_code == 403
    assert client.post("/admin/audit/auditevent/1/change/", {"body": "x"}).status_code == 403
