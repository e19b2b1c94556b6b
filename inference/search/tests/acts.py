from __future__ import annotations

from audit.tests.scene import Acts
from inference.search import choosing, indexing
from inference.search.actions import SearchAction

ACTS: Acts = {
    "embedders of search changed": (lambda s: choosing.use_local_only(actor=s.admin), [SearchAction.EMBEDDER_CHANGE]),
    "search index rebuilt": (lambda s: indexing.rebuild(), [SearchAction.INDEX_REBUILD]),
    "consent to embed private content given": (
        lambda s: choosing.set_consent(user=s.alice, given=True),
        [SearchAction.CONSENT_CHANGE],
    ),
    "calls of a user searched by an administrator": (
        lambda s: s.as_admin.get("/search/", {"q": "refund", "user": s.alice.email}),
        [SearchAction.OTHERS_SEARCH],
    ),
}
