"""A browser: sends, sends again as the documented rules for clients say, and gives up at last."""

import time
from collections.abc import Sequence
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from tests.faults.house import House
from tests.faults.ledger import File, Ledger, User
from tests.faults.schedule import Link

TRIES: Final = 4
PATIENCE: Final = 3
"""In seconds: how long an answer may take."""

WORTH_REPEATING: Final = ("UPLOAD_INCOMPLETE", "WORKER_UNAVAILABLE", "DB_ERROR", "R2_UNAVAILABLE")


class Browser:
    """One user's browser.

    Args:
        house: what it talks to.
        user: who is signed in.
        ledger: where it writes down what it sees.
        chance: what it draws its pauses from.
    """

    def __init__(self, house: House, user: User, ledger: Ledger, chance: Random) -> None:
        self.user = user
        self._house = house
        self._ledger = ledger
        self._chance = chance
        self._shim = house.url(Link.BROWSER_SHIM)
        self._http = httpx.Client(
            timeout=PATIENCE,
            cookies={"sessionid": user.session, "csrftoken": "c" * 32},
            headers={"x-csrftoken": "c" * 32, "accept-encoding": "identity"},
        )
        # What is not the application's own host gets no cookie of it.
        self._stranger = httpx.Client(timeout=PATIENCE, headers={"accept-encoding": "identity"})

    def close(self) -> None:
        self._http.close()
        self._stranger.close()

    def ask(
        self, method: str, path: str, subject: str, body: object = None, key: str | None = None
    ) -> httpx.Response | None:
        """Ask the application until there is an answer that means something; None if there is none.

        Args:
            method: the verb.
            path: where.
            subject: what it is about, for the ledger.
            body: what to send as JSON.
            key: an Idempotency-Key.
        """
        headers = {} if key is None else {"idempotency-key": key}
        for turn in range(TRIES):
            if turn:
                time.sleep(self._chance.uniform(0.02, 0.25) * turn)
            try:
                answer = self._http.request(
                    method, f"{self._shim}{path}", json=body, headers=headers
                )
            except httpx.HTTPError as error:
                self._ledger.note(subject, f"{method} {path}: {type(error).__name__}")
                continue
            self._look(answer, subject, f"{method} {path}")
            if answer.status_code < 500 and answer.status_code != 429:
                return answer
        return None

    def commit(
        self, path: str, body: object, files: Sequence[File], subject: str
    ) -> httpx.Response | None:
        """Ask for something that commits files; send again what did not arrive."""
        for _ in range(TRIES):
            answer = self.ask("POST", path, subject, body)
            if answer is None or answer.status_code < 400:
                return answer
            said = answer.json()
            failed = said.get("failed") or [
                {"key": file.key, "code": said["code"]} for file in files
            ]
            if any(each["code"] not in WORTH_REPEATING for each in failed):
                return answer
            missing = [each["key"] for each in failed if each["code"] == "UPLOAD_INCOMPLETE"]
            for file in files:
                if file.key in missing:
                    self.put(file)
        return None

    def put(self, file: File) -> None:
        """Send a file's bytes. Whether they have arrived, the commit tells."""
        if "method" in file.upload:
            self._put_whole(file)
        else:
            self._put_in_chunks(file)

    def _put_whole(self, file: File) -> None:
        upload: Any = file.upload
        for _ in range(2):
            answer = self._send(
                file, "PUT", upload["url"], headers=upload["headers"], content=file.content
            )
            # 412 is for what is there already; a connection that broke tells nothing.
            if answer is None or answer.status_code in (200, 412):
                return

    def _put_in_chunks(self, file: File) -> None:
        upload: Any = file.upload
        there: Any = {"headers": upload["headers"]}
        begin = f"{upload['url']}/media/upload"
        begun = self._send(file, "POST", f"{begin}/init", json={}, **there)
        if begun is None or begun.status_code != 201:
            return
        transfer = begun.json()["upload_id"]
        chunk = f"{begin}/chunk?upload_id={transfer}&chunk_index=0"
        stored = self._send(file, "POST", chunk, content=file.content, **there)
        if stored is not None and stored.status_code == 200:
            self._send(file, "POST", f"{begin}/{transfer}/finalize", **there)

    def _send(self, file: File, method: str, url: str, **options: Any) -> httpx.Response | None:
        """Send something to the Worker, without cookies; None if no answer came."""
        what = f"{method} {urlsplit(url).path.removesuffix(file.key)}"
        try:
            answer = self._stranger.request(method, url, **options)
        except httpx.HTTPError as error:
            self._ledger.note(file.name, f"{what}: {type(error).__name__}")
            return None
        self._look(answer, file.name, what)
        return answer

    def load(self, url: str, file: File) -> httpx.Response | None:
        """Load a file, without cookies; None if nothing came, or not all of it."""
        try:
            answer = self._stranger.get(url)
        except httpx.HTTPError as error:
            self._ledger.note(file.name, f"GET: {type(error).__name__}")
            return None
        self._look(answer, file.name, "GET " + ("with a token" if "?t=" in url else "without"))
        if answer.status_code == 200 and answer.content != file.content:
            self._ledger.violate(file.name, what=f"{file.name} was served with other bytes")
        return answer

    def url(self, file: File, subject: str) -> httpx.Response | None:
        """Ask where a file can be loaded."""
        return self.ask("GET", f"/api/media/url?key={file.key}", subject)

    def bare(self, file: File) -> str:
        """Return a file's address without a token."""
        return f"{self._house.url(Link.BROWSER_WORKER)}/m/{file.key}"

    def _look(self, answer: httpx.Response, subject: str, what: str) -> None:
        code = ""
        if answer.status_code >= 400:
            code = " " + answer.text[:160].replace("\n", " ")
            if found := self._house.secrets_in(answer.content):
                self._ledger.violate(subject, what=f"{what} was answered with {sorted(found)}")
        self._ledger.note(subject, f"{what}: {answer.status_code}{code}")
