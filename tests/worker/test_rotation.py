"""A signing key is changed while everybody reads, and nobody is refused.

The roll-out is that of docs/tokens.md, step by step. At each step two Workers answer at the same
time on the same state, one with the list of before and one with the list of after, as they do on
the platform while a deployment spreads; and the backends sign with either list.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import pytest

from runtime.dev import read_variables
from tests.conftest import ENV_FILE, RunWorker
from tests.media import JPEG
from tests.worker.caller import Caller, headers_of
from tests.worker.tokens import mint, new_id

KEYS = {
    "k1": ("dGhlLWZpcnN0LWtleS1pcy0zMi1ieXRlcy1sb25nLW9r", b"the-first-key-is-32-bytes-long-ok"),
    "k2": ("dGhlLXNlY29uZC1rZXktaXMtMzItYnl0ZXMtbG9uZy0h", b"the-second-key-is-32-bytes-long-!"),
}
STEPS = (("k1",), ("k1", "k2"), ("k2", "k1"), ("k2",))

ALBUM = {"service": "blog", "album": "gallery"}
WHO = {"userId": "alice", "tenantId": "acme", "permissions": ["media:files.read"]}
READERS = 8
ROUNDS = 3
"""How often each of them mints in each way, and reads at both Workers, in each step."""


@dataclass(frozen=True)
class Deployed:
    """A Worker with one list of keys, and another that has it as a service binding.

    Attributes:
        keys: the ids of its keys, the one that signs first.
        alice: calls it as the application's gateway does.
        binding_url: where the other one listens.
    """

    keys: Sequence[str]
    alice: Caller
    binding_url: str


one_writes = Lock()
"""Two simulators on one file are no database: what writes waits for what writes."""

Deploy = Callable[[Sequence[str]], AbstractContextManager[Deployed]]


@pytest.fixture
def deploy(
    run_worker: RunWorker, http: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> Deploy:
    """Return what starts a Worker with a list of keys, on the state of the others."""
    state = tmp_path_factory.mktemp("rotation")

    @contextmanager
    def start(keys: Sequence[str]) -> Iterator[Deployed]:
        folder = tmp_path_factory.mktemp("-".join(keys))
        env_file = folder / "secrets"
        secrets = read_variables(ENV_FILE) | {
            "MEDIA_TOKEN_KEYS": ",".join(f"{kid}:{KEYS[kid][0]}" for kid in keys)
        }
        env_file.write_text("".join(f"{name}={value}\n" for name, value in secrets.items()))
        binding = Path(__file__).parent / "binding" / "wrangler.toml"
        with (
            run_worker(state=state, env_file=env_file, registry=folder) as worker,
            run_worker(config=binding, ready="/ready", registry=folder) as bound,
        ):
            yield Deployed(keys, Caller(http, worker.url, headers_of("alice", "acme")), bound.url)

    return start


def targets(deployed: Deployed, file: dict[str, Any]) -> Iterator[str]:
    """Mint a URL of the file in every way that there is; give the path and query of each."""
    kid = deployed.keys[0]
    key = file["key"]
    lives: tuple[dict[str, Any], ...] = ({}, {"jti": new_id(), "life": 86_400})
    for claims in lives:
        token = mint(KEYS[kid][1], kid, key=key, **claims)
        yield f"/m/{key}?t={token}"
        yield f"/view/{token}/{key}"
    yield path_of(deployed.alice.access(**ALBUM)["url"]) + key
    with one_writes:
        selection = deployed.alice.access(ids=[file["mediaId"]])
    yield path_of(selection["url"]) + key
    resolved = deployed.alice.http.post(
        f"{deployed.binding_url}/rpc/resolve", json=[WHO, [file["mediaId"]]]
    )
    yield path_of(resolved.json()["files"][file["mediaId"]]["url"])


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def signer_of(target: str) -> str:
    """Return the id of the key that signed the token of a URL."""
    token = target.partition("?t=")[2] or target.removeprefix("/view/").partition("/")[0]
    kid: str = jwt.get_unverified_header(token)["kid"]
    return kid


class Crowd:
    """Clients that mint and read one file at the same time, and see to it that nobody is refused.

    Args:
        file: the file.

    Attributes:
        minted: every target that they have, and that must open.
        answers: how often a token of a key had an answer of a status.
    """

    def __init__(self, file: dict[str, Any]) -> None:
        self.minted: list[str] = []
        self.answers: Counter[tuple[str, int]] = Counter()
        self._file = file

    def live(self, *sides: Deployed) -> None:
        """Mint at these Workers, and with their keys, and read at each of them, for a while."""
        with ThreadPoolExecutor(READERS) as clients:
            for minted in clients.map(partial(self._client, sides), range(READERS)):
                self.minted += minted

    def forget(self, kid: str) -> list[str]:
        """Let all tokens of a key be dead; return them."""
        dead = [target for target in self.minted if signer_of(target) == kid]
        self.minted = [target for target in self.minted if signer_of(target) != kid]
        return dead

    def _client(self, sides: Sequence[Deployed], seed: int) -> list[str]:
        chance, older = random.Random(seed), tuple(self.minted)
        minted = []
        for _ in range(ROUNDS):
            fresh = list(targets(chance.choice(sides), self._file))
            for target in (*fresh, *chance.sample(older, min(3, len(older)))):
                for side in sides:
                    self._read(target, side)
            minted += fresh
        return minted

    def _read(self, target: str, side: Deployed) -> None:
        answer = side.alice.http.get(side.alice.url + target)
        self.answers[signer_of(target), answer.status_code] += 1
        assert (answer.status_code, answer.content) == (200, JPEG), answer.text


def test_a_key_is_changed_without_one_refusal(deploy: Deploy) -> None:
    first, second, third, last = STEPS
    with deploy(second) as between:
        with deploy(first) as before:
            crowd = Crowd(before.alice.upload(JPEG, **ALBUM))
            crowd.live(before, between)
        with deploy(third) as after:
            crowd.live(between, after)
            # A key is taken away when the last token that it signed is dead.
            dead = crowd.forget("k1")
            with deploy(last) as end:
                crowd.live(after, end)
                refused = end.alice.http.get(end.alice.url + dead[0])
    assert {status for _, status in crowd.answers} == {200}
    assert min(crowd.answers["k1", 200], crowd.answers["k2", 200]) > READERS * ROUNDS
    # It was really taken away.
    assert (refused.status_code, refused.json()["code"]) == (401, "TOKEN_UNKNOWN_KEY")
