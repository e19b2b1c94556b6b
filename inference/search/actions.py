from __future__ import annotations

from audit.actions import Action


class SearchAction(Action):
    EMBEDDER_CHANGE = "search:embedder:change"
    INDEX_REBUILD = "search:index:rebuild"
    CONSENT_CHANGE = "search:consent:change"
    OTHERS_SEARCH = "search:user:search"
