"""The Workers whose uploads are compared."""

from collections.abc import Mapping
from pathlib import Path

from bench.contestant import Contestant
from bench.delivery.contestants import WORKERS as DELIVERY_WORKERS

WORKERS = Path(__file__).with_name("workers")
MIB = 1024 * 1024

OURS = Contestant("media-engine", "Media Engine", root="/")
STREAM = Contestant(
    "stream-javascript", "R2 part, JavaScript", WORKERS / "stream-javascript", root="/"
)
HELLO = tuple(
    Contestant(name, title, DELIVERY_WORKERS / name, root="/", floor=True)
    for name, title in (
        ("hello-python", "hello, Python"),
        ("hello-javascript", "hello, JavaScript"),
    )
)

VARIABLES: Mapping[str, str] = {"MAX_VIDEO_BYTES": str(6 * 1024 * MIB)}
"""The Worker says how long a chunk is, by the length of the file: 8 MiB of one of 5,000 MiB."""
