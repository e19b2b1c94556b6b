"""Acts that several apps record."""

from __future__ import annotations

from accounts.actions import AccountsAction
from accounts.personal_data import erasure
from audit.actions import AuditAction
from audit.tests.scene import Acts
from tokens.actions import TokensAction

ACTS: Acts = {
    "user erased, with a provider key": (
        lambda s: erasure.erase_user(user=s.alice, actor=s.admin),
        [AccountsAction.SESSION_END, TokensAction.TOKEN_DELETE, AccountsAction.USER_ERASE, AuditAction.DETAILS_ERASE],
    ),
}
