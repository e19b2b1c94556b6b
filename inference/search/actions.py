from __future__ import annotations

from audit.actions import Action


class SearchAction(Action):
    EMBEDDER_CHANGE = "search:embedder:change", "changed what embeds texts for search"
    INDEX_REBUILD = "search:index:rebuild", "began to rebuild the search index"
    CONSENT_CHANGE = "search:consent:change", "changed consent to embed private content by a provider"
    OTHERS_SEARCH = "search:user:search", "searched the calls of {target}"
