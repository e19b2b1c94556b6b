"""How filters name the endpoint of a call."""

from __future__ import annotations

# The provider's own one, for which calls have no base URL.
OWN_ENDPOINT = "default"
