"""Whatever is sent to a real Worker, it answers as it must, and lives on."""

import time
from collections import Counter

import httpx
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import RunningWorker
from tests.fuzz.answer import Answer, judge
from tests.fuzz.attack import Attack, attacks
from tests.fuzz.file import File
from tests.fuzz.profile import profile, tried
from tests.fuzz.token import Signer
from tests.media import photo_saying
from tests.worker import wire
from tests.worker.bucket import store
from tests.worker.caller import Caller, headers_of
from tests.worker.tokens import KID, SECRET

STORED_TYPES = (
    "image/jpeg", "IMAGE/PNG; q=1", "image/svg+xml", "text/html", "image/jpeg, text/html",
    "multipart/byteranges; boundary=x", "nonsense",
)  # fmt: skip


def shelve(caller: Caller) -> tuple[list[File], Signer]:
    """Store files of all kinds, such as no upload would store among them.

    Returns:
        The files, and who mints tokens for them: some are members of a set.
    """
    public, private = photo_saying(b"for everybody"), photo_saying(b"for some")
    gone = b"not as long as it was said"
    uploaded = [caller.upload(public, visibility="public"), caller.upload(private)]
    files = [File(uploaded[0]["key"], public, public=True), File(uploaded[1]["key"], private)]
    granted = caller.access(ids=[file["mediaId"] for file in uploaded])
    revoked = caller.access(service="blog", album="fuzz")["tokenId"]
    assert caller.revoke(revoked).status_code == 204
    members = list(granted["keys"].values())
    signer = Signer({KID: SECRET}, int(time.time()), granted["tokenId"], members, [revoked])
    for place, content_type in enumerate(STORED_TYPES):
        file = File(f"t/acme/blog/a/fuzz/{place}.jpg", f"bytes of {place}".encode())
        store(caller.url, file.key, file.content, ContentType=content_type)
        files.append(file)
    signed = caller.presigned(1, visibility="public")
    store(caller.url, signed["key"], gone, ContentType="image/jpeg")
    assert caller.complete(signed["mediaId"]).status_code == 422
    return [*files, File(signed["key"], gone)], signer


def send(client: httpx.Client, url: str, attack: Attack, alone: bool) -> Answer:
    """Send an attack on a connection of its own, or on one where others went before."""
    lines = [(name.encode(), value.encode("latin-1")) for name, value in attack.headers.items()]
    if alone:
        raw = wire.send(
            url, attack.method, attack.target, *(name + b": " + value for name, value in lines)
        )
        return Answer(
            raw.status, {name.lower(): value for name, value in raw.headers.items()}, raw.content
        )
    target = {"target": attack.target.encode("ascii")}
    answer = client.request(attack.method, url, headers=lines, extensions=target)
    return Answer(answer.status_code, dict(answer.headers), answer.content)


def lines_of(worker: RunningWorker) -> str:
    """Return the engine's own lines of the log: Wrangler logs the paths of requests itself."""
    lines = worker.log.read_text(errors="replace").splitlines()
    return "\n".join(line for line in lines if line.startswith("{"))


def test_nothing_that_is_sent_makes_the_worker_do_what_it_must_not(worker: RunningWorker) -> None:
    secrets: set[str] = set()
    with httpx.Client(timeout=60, headers={"accept-encoding": "identity"}) as client:
        files, signer = shelve(Caller(client, worker.url, headers_of("alice", "acme")))

        @profile("FUZZ_REQUESTS", 300)
        @given(attacks(files, signer), st.booleans())
        def suffer(attack: Attack, alone: bool) -> None:
            secrets.update(attack.secrets)
            before = int(time.time())
            answer = send(client, worker.url, attack, alone)
            tried.setdefault("a Worker", Counter())[answer.status] += 1
            if answer.status == 400:
                # What is no URI goes no further than the server in front of the Worker.
                assert "x-request-id" not in answer.headers
            else:
                judge(answer, attack, files, signer, range(before, int(time.time()) + 1))

        suffer()
        assert client.get(f"{worker.url}/health").json()["status"] == "ok"
    told = lines_of(worker)
    assert "media.refused" in told
    assert not [secret for secret in secrets if secret in told]
