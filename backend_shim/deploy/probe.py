"""Asks this container's own server for a path; the exit code tells whether it answered 200.

The server refuses names that are not its own, so it is called by the first of ALLOWED_HOSTS.
"""

import http.client
import os
import sys

TIMEOUT = 4
"""In seconds: a second less than the health check waits."""


def status(path: str) -> int:
    """Return what the server answers; 0 if it does not."""
    host = os.environ["ALLOWED_HOSTS"].partition(",")[0].strip().lstrip(".")
    connection = http.client.HTTPConnection(
        "127.0.0.1", int(os.environ.get("PORT") or 8000), timeout=TIMEOUT
    )
    try:
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0


if __name__ == "__main__":
    sys.exit(status(sys.argv[1]) != 200)
