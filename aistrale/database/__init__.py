"""PostgreSQL as Django speaks to it, with an end to waiting for a server that hangs."""
