"""Exit code 0 when the web server of this container answers `/health/live`, 1 otherwise.

Uses the standard library only: a container is asked every few seconds.
"""

import http.client
import os
import sys

SECONDS = 4


def is_live(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_live(int(os.environ.get("AISTRALE_HEALTH_PORT") or os.environ.get("PORT") or 8000)))
