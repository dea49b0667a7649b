"""What is asked for, and the objects that it is asked of.

Every Worker gets the same requests byte for byte, but for the beginning of the path: those that
check no token get one as well.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

import httpx

from bench.workload import Workload
from media_engine.signing.keyring import Keyring
from media_engine.signing.sigv4 import Credentials, presign
from media_engine.signing.token import Claims, mint

FOLDER = "t/acme/bench/2026/11"
PICTURES = 117
VIEWERS = 2_000
TOKEN_LIFE = 3_600
MIB = 1024 * 1024
PART = range(50 * MIB, 50 * MIB + 64 * 1024)


@dataclass(frozen=True)
class StoredFile:
    """An object of the bucket: its key, its bytes and its type."""

    key: str
    content: bytes = field(repr=False)
    content_type: str = "image/jpeg"

    @property
    def etag(self) -> str:
        """The tag that R2 gives to what was stored with one PUT."""
        return f'"{hashlib.md5(self.content, usedforsecurity=False).hexdigest()}"'


class Files:
    """The objects, the same at each run."""

    def __init__(self) -> None:
        random = Random(117)  # noqa: S311
        self.pictures = [
            StoredFile(f"{FOLDER}/picture-{number:03}.jpg", random.randbytes(10_000))
            for number in range(PICTURES)
        ]
        block = random.randbytes(MIB)
        self.video = StoredFile(f"{FOLDER}/video.mp4", block * 100, "video/mp4")

    def store(self, s3_endpoint: str, credentials: Credentials) -> None:
        """Store each with one PUT: the simulator buffers what came in parts.

        Args:
            s3_endpoint: the S3 side of the bucket.
            credentials: who may write there.
        """
        with httpx.Client(timeout=60, trust_env=False) as client:
            for file in (*self.pictures, self.video):
                headers = {"content-type": file.content_type, "content-disposition": "inline"}
                url = presign(
                    method="PUT",
                    endpoint=s3_endpoint,
                    bucket="media",
                    key=file.key,
                    headers=headers,
                    credentials=credentials,
                    now=time.time_ns() // 1_000_000,
                    expires_in=600,
                )
                client.put(url, headers=headers, content=file.content).raise_for_status()


def workloads(files: Files, keyring: Keyring) -> Sequence[Workload]:
    """Return what is measured.

    Tokens are the delivery's own: one file, one hour. Where many people look at a file, each
    request has a token that the Worker has not just seen; a player that seeks has one.
    """
    picture, video = files.pictures[0], files.video
    visits = list(_visits(picture, VIEWERS, keyring))
    return (
        Workload("whole", "a picture of 10 KB", visits, 200, picture.content),
        Workload(
            "unchanged",
            "the same, If-None-Match holds",
            visits,
            304,
            b"",
            {"If-None-Match": picture.etag},
        ),
        Workload(
            "range",
            "64 KiB of a video of 100 MiB",
            list(_visits(video, 1, keyring)),
            206,
            video.content[PART.start : PART.stop],
            {"Range": f"bytes={PART.start}-{PART.stop - 1}"},
        ),
        Workload(
            "gallery",
            f"{PICTURES} pictures of 10 KB in turn",
            [visit for file in files.pictures for visit in _visits(file, 1, keyring)],
            200,
            picture.content,
            connections=6,
        ),
        # With one token each: some cache by the URL, and would never have the file of another.
        Workload(
            "hit",
            "a picture of 10 KB, cached",
            list(_visits(picture, 1, keyring)),
            200,
            picture.content,
            cached=True,
        ),
        Workload(
            "gallery-hit",
            f"{PICTURES} pictures of 10 KB in turn, cached",
            [visit for file in files.pictures for visit in _visits(file, 1, keyring)],
            200,
            picture.content,
            connections=6,
            cached=True,
        ),
    )


def _visits(file: StoredFile, viewers: int, keyring: Keyring) -> Iterator[str]:
    now = int(time.time())
    for viewer in range(viewers):
        claims = Claims(key=file.key, iat=now, exp=now + TOKEN_LIFE, sub=f"viewer-{viewer}")
        yield f"{file.key}?t={mint(claims, keyring)}"
