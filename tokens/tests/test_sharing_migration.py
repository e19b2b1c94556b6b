"""What was shared by the old switch is shared with everyone by the new one."""

from __future__ import annotations

from django.db import connection

from accounts.models import User
from accounts.sharing import EVERYONE, PRIVATE
from aistrale.tests.migrations import Migrate
from tokens.models import ProviderToken
from tokens.services import add_token
from tokens.tests.conftest import SECRET


def test_it_carries_sharing_over_there_and_back(admin: User, migrate: Migrate) -> None:
    for label, audience in (("all", EVERYONE), ("own", PRIVATE)):
        add_token(owner=admin, actor=admin, provider="openai", label=label, secret=SECRET, audience=audience)
    migrate("tokens", "0003_factor_secret")
    with connection.cursor() as cursor:
        cursor.execute("SELECT label, shared FROM tokens_providertoken ORDER BY label")
        assert cursor.fetchall() == [("all", True), ("own", False)]
    migrate("tokens", "0004_sharing")
    visible = {token.label: token.audience for token in ProviderToken.objects.all()}
    assert visible == {"all": EVERYONE, "own": PRIVATE}
