"""The Workers whose delivery is compared."""

from pathlib import Path

from bench.contestant import Contestant

WORKERS = Path(__file__).with_name("workers")

OURS = Contestant("media-engine", "Media Engine")
OURS_CACHED = Contestant("media-engine-cached", "Media Engine", caches=True)


def _other(
    name: str, title: str, *, caches: bool = False, root: str = "/m/", floor: bool = False
) -> Contestant:
    """Return one whose folder has its name."""
    return Contestant(name, title, WORKERS / name, caches=caches, root=root, floor=floor)


HELLO = (
    _other("hello-python", "hello, Python", floor=True),
    _other("hello-javascript", "hello, JavaScript", floor=True),
)
SAME_JOB = _other("job-javascript", "same job, JavaScript")
OTHERS = (
    _other("thin-python", "one R2 GET, Python"),
    _other("render2", "render2", root="/"),
    SAME_JOB,
    _other("thin-javascript", "one R2 GET, JavaScript"),
    _other("cached-python", "one look-up, Python", caches=True),
    _other("render2-cached", "render2", caches=True, root="/"),
    _other("cached-javascript", "one look-up, JavaScript", caches=True),
    *HELLO,
)
