"""The page of one call: when what happened, what was said, what it cost, and what can be done with it."""
