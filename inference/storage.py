"""Why PostgreSQL answers and yet cannot store anything, in words."""

from __future__ import annotations

# By the codes of https://www.postgresql.org/docs/current/errcodes-appendix.html
_PROBLEMS = {
    "25006": "The database is read-only.",
    "53100": "The disk of the database is full.",
    "53200": "The database server is out of memory.",
    "58030": "The database server cannot read or write its disk.",
}


def storage_problem(error: Exception) -> str:
    """One sentence; '' for an error of another kind. Takes errors of Django as well as those of psycopg."""
    code = getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None)
    return _PROBLEMS.get(code or "", "")
