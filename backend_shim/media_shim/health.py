"""`GET /api/media/health`: which of the three stores is unwell.

The application's database is asked a query. The other two, R2 and D1, are the Worker's: it is asked
for a file that does not exist, with a token of the shim's own. To answer that there is no such file
it has to verify the token, ask R2 and then ask D1, so one request tells of all of them, and of keys
that the two sides no longer share. The Worker's own `/health` tells what is configured alone.

Anybody may ask. The answer shows no secret, comes within `PATIENCE`, and is kept for `FRESH`, so
that many askers cost the stores no more than one.
"""

import re
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NoAnswer
from dataclasses import dataclass
from typing import Final, TypeVar

import httpx
import jwt
from django.db import Error, connections, router
from django.http import HttpRequest, HttpResponse, JsonResponse

from media_shim import conf
from media_shim.envelope import endpoint
from media_shim.errors import NotConfigured
from media_shim.models import MediaObject
from media_shim.tokens import AUDIENCE

PATIENCE: Final = 3.0
"""In seconds: how long the stores may take to answer, all of them together."""

FRESH: Final = 5.0
"""In seconds: how long an answer is given again."""

NO_FILE: Final = "u/health/health/none.jpg"
"""The key of a file that is not there: the Worker makes none like it."""

OK: Final = "ok"
UNWELL: Final = "unwell"
UNKNOWN: Final = "unknown"

_T = TypeVar("_T")

_CODE: Final = re.compile(r"[A-Z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class Health:
    """How the stores are: each of them ok, unwell, or unknown because it could not be asked.

    Attributes:
        database: the application's own.
        r2: where the bytes are.
        d1: where the Worker's rows are.
        reason: what the Worker answered in the place of "no such file", or None.
    """

    database: str
    r2: str
    d1: str
    reason: str | None

    @property
    def is_well(self) -> bool:
        return self.database == self.r2 == self.d1 == OK


@endpoint("GET", "HEAD", refused="media.health.rejected")
def health(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Answer 200 if every store is well, else 503; the body tells which is not."""
    found = _examination.result(time.monotonic())
    body = {
        "status": OK if found.is_well else UNWELL,
        "database": found.database,
        "r2": found.r2,
        "d1": found.d1,
        "reason": found.reason,
    }
    return JsonResponse(body, status=200 if found.is_well else 503)


class Examination:
    """Asks the stores, in threads that are given up when they take too long.

    There is one thread for each in a process, however many people ask: while it hangs, they are
    told so, and what the other one finds.
    """

    def __init__(self) -> None:
        self._database = ThreadPoolExecutor(1, thread_name_prefix="media-health-database")
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="media-health-worker")
        self._one_at_a_time = threading.Lock()
        self._found: Health | None = None
        self._found_at = 0.0

    def result(self, now: float) -> Health:
        """Return how the stores are, or were a moment ago.

        Args:
            now: the process's monotonic clock, in seconds.
        """
        with self._one_at_a_time:
            if self._found is None or now - self._found_at >= FRESH:
                self._found, self._found_at = self._ask(), now
            return self._found

    def _ask(self) -> Health:
        deadline = time.monotonic() + PATIENCE
        database = self._database.submit(_database)
        worker = self._worker.submit(_worker)
        r2, d1, reason = _within(deadline, worker, (UNKNOWN, UNKNOWN, "WORKER_UNAVAILABLE"))
        return Health(_within(deadline, database, UNWELL), r2, d1, reason)


def _within(deadline: float, asked: "Future[_T]", otherwise: _T) -> _T:
    try:
        return asked.result(max(0.0, deadline - time.monotonic()))
    except NoAnswer:
        # One that waits for a thread is not to be asked when nobody wants to know any more.
        asked.cancel()
        return otherwise


def _database() -> str:
    connection = connections[router.db_for_write(MediaObject)]
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return UNWELL
    finally:
        # This thread serves no request, after which Django would close it.
        connection.close()
    return OK


def _worker() -> tuple[str, str, str | None]:
    """Return how R2 and D1 are, and the code of an answer that should not have been."""
    try:
        shim = conf.current()
    except NotConfigured as error:
        return UNKNOWN, UNKNOWN, error.code
    now = int(time.time())
    claims = {"aud": AUDIENCE, "key": NO_FILE, "iat": now, "exp": now + 60}
    token = jwt.encode(
        claims, shim.signing_key.secret, algorithm="HS256", headers={"kid": shim.signing_key.kid}
    )
    try:
        answer = httpx.get(f"{shim.worker_url}/m/{NO_FILE}", params={"t": token}, timeout=PATIENCE)
        code = answer.json()["code"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return UNKNOWN, UNKNOWN, "WORKER_UNAVAILABLE"
    match code:
        case "MEDIA_NOT_FOUND":
            return OK, OK, None
        case "DB_ERROR":
            return OK, UNWELL, code
        case "R2_UNAVAILABLE":
            return UNWELL, UNKNOWN, code
    is_code = isinstance(code, str) and _CODE.fullmatch(code)
    return UNKNOWN, UNKNOWN, code if is_code else "WORKER_UNAVAILABLE"


_examination = Examination()
