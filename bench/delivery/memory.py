"""How much memory the Worker takes for a large file and many who read it slowly."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from bench.contestant import ENV_FILE, starting
from bench.delivery.contestants import OURS_CACHED
from bench.delivery.workloads import FOLDER, MIB
from bench.load import LoadError
from bench.procfs import peak_memory, reset_peak_memory
from media_engine.signing.keyring import Keyring
from media_engine.signing.sigv4 import Credentials, presign
from media_engine.signing.token import Claims, mint
from runtime.dev import read_variables

SIZE = 1024 * MIB
READERS = 100
CHUNK = 16 * 1024
CHUNKS_A_SECOND = 20
SECONDS = 15
KEY = f"{FOLDER}/long.mp4"


@dataclass(frozen=True)
class Held:
    """What the Worker's workerd held, in bytes, and what was read meanwhile.

    Attributes:
        before: the most, while one reader read the file as fast as it could.
        during: the most, while all read slowly.
        read: how many bytes they read together.
    """

    before: int
    during: int
    read: int


def measure_memory() -> Held:
    """Start ours, store one file of 1 GiB, and let 100 read it at 320 KB a second each.

    Raises:
        StartError: the Worker did not come up.
        LoadError: a reader was cut off.
    """
    secrets = read_variables(ENV_FILE)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        starting(OURS_CACHED, Path(name)) as ours,
    ):
        running = ours.wait_for("/health")
        _store(
            f"{ours.worker.url}/cdn-cgi/local/r2/s3",
            Credentials(secrets["R2_ACCESS_KEY_ID"], secrets["R2_SECRET_ACCESS_KEY"]),
        )
        claims = Claims(key=KEY, exp=int(time.time()) + 600)
        url = f"{running.url}{KEY}?t={mint(claims, Keyring.parse(secrets['MEDIA_TOKEN_KEYS']))}"
        reset_peak_memory(running.pid)
        with httpx.stream("GET", url, trust_env=False) as answer:
            whole = sum(len(chunk) for chunk in answer.iter_raw())
        if whole != SIZE:
            raise LoadError(f"{whole} bytes of {SIZE} came")
        before = peak_memory(running.pid)
        reset_peak_memory(running.pid)
        read = asyncio.run(_read_slowly(url))
        return Held(before, peak_memory(running.pid), read)


def describe(held: Held) -> str:
    """Return what was held, as a line for a person."""
    return (
        f"1 GiB to one fast reader: {held.before / 1e6:.0f} MB at most; to {READERS} slow ones, who"
        f" read {held.read / 1e6:.0f} MB together: {held.during / 1e6:.0f} MB at most"
    )


def _store(endpoint: str, credentials: Credentials) -> None:
    headers = {"content-type": "video/mp4", "content-disposition": "inline"}
    url = presign(
        method="PUT",
        endpoint=endpoint,
        bucket="media",
        key=KEY,
        headers=headers,
        credentials=credentials,
        now=time.time_ns() // 1_000_000,
        expires_in=600,
    )
    length = {"content-length": str(SIZE)}
    answer = httpx.put(
        url, headers={**headers, **length}, content=_content(), timeout=300, trust_env=False
    )
    answer.raise_for_status()


def _content() -> Iterator[bytes]:
    block = bytes(MIB)
    for _ in range(SIZE // MIB):
        yield block


async def _read_slowly(url: str) -> int:
    """Let all read for a while and leave; return how many bytes they got."""
    return sum(await asyncio.gather(*(_reader(url) for _ in range(READERS))))


async def _reader(url: str) -> int:
    parts = urlsplit(url)
    # A small buffer, so that what is not read stays with the Worker and not with the kernel.
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=CHUNK)
    target = f"{parts.path}?{parts.query}"
    writer.write(f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    count = 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        chunk = await reader.read(CHUNK)
        if not chunk:
            raise LoadError("a reader was cut off")
        count += len(chunk)
        await asyncio.sleep(1 / CHUNKS_A_SECOND)
    writer.close()
    return count
