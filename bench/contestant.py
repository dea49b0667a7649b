"""A Worker that is compared, and how it is started.

Each runs in a `wrangler dev` of its own, from a copy that no edit of the sources disturbs, and all
of them on one folder of state: they read the same objects. What is measured is the workerd that
runs the Worker, without the proxy that Wrangler puts in front of it: that costs more than most
of these Workers do.
"""

import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.procfs import command, descendants, listening_ports
from runtime.process import ROOT, Process, StartError
from runtime.wrangler import LocalWorker, start

ENV_FILE = ROOT / ".dev.vars.example"
START_SECONDS = 60
LOG_LINES = 30
PRESIGN_LIMIT = "simple = { limit = 60, period = 60 }"
UNLIMITED = "simple = { limit = 1000000, period = 60 }"


@dataclass(frozen=True)
class Contestant:
    """A Worker that is compared.

    Attributes:
        name: what it is called in the results.
        title: what a reader is told of it.
        source: the folder that it is copied from; this repository's Worker if None.
        caches: whether it answers from the edge cache; the others ask the store each time.
        root: what its paths begin with.
        floor: whether it answers without looking at the request.
    """

    name: str
    title: str
    source: Path | None = None
    caches: bool = False
    root: str = "/m/"
    floor: bool = False

    @property
    def ours(self) -> bool:
        """Whether it is this repository's Worker."""
        return self.source is None


@dataclass(frozen=True)
class Running:
    """A contestant that answers.

    Attributes:
        contestant: which one.
        url: where its workerd listens, and what its paths begin with.
        pid: that workerd's process.
    """

    contestant: Contestant
    url: str
    pid: int


@dataclass(frozen=True)
class Starting:
    """A contestant that may not answer yet.

    Attributes:
        contestant: which one.
        worker: how Wrangler was told to serve it.
    """

    contestant: Contestant
    worker: LocalWorker
    _process: Process
    _log: Path

    def wait_for(self, path: str) -> Running:
        """Wait until it answers a path.

        Raises:
            StartError: it did not; the message ends with what it said last.
        """
        try:
            self._process.wait_for(self.worker.url + path, START_SECONDS)
        except StartError as error:
            said = "\n".join(self._log.read_text(errors="replace").splitlines()[-LOG_LINES:])
            raise StartError(f"{self.contestant.title}: {error}\n{said}") from None
        pid = _workerd(self._process.pid)
        # The first port is the Worker's; the others are for debuggers.
        port = listening_ports(pid)[0]
        return Running(self.contestant, f"http://127.0.0.1:{port}{self.contestant.root}", pid)


@contextmanager
def starting(
    contestant: Contestant,
    folder: Path,
    *,
    variables: Mapping[str, str] | None = None,
    limited: bool = True,
) -> Iterator[Starting]:
    """Start a contestant.

    Args:
        contestant: which one.
        folder: where the copies, the state and the logs of all are.
        variables: settings that this start overrides.
        limited: whether ours counts its presigns; the limit is far below what it bears.
    """
    stage = _stage(contestant, folder / contestant.name)
    if not limited and contestant.ours:
        _lift_limit(stage / "wrangler.toml")
    uncached = {} if contestant.caches else {"EDGE_CACHE_MAX_BYTES": "0"}
    worker = LocalWorker(
        port=_free_port(),
        state=folder / "state",
        config=stage / "wrangler.toml",
        env_file=ENV_FILE,
        registry=folder / "registry",
        variables={**uncached, **(variables or {})},
    )
    log = folder / f"{contestant.name}.log"
    with log.open("wb") as output, start(worker, output) as process:
        yield Starting(contestant, worker, process, log)


def _stage(contestant: Contestant, stage: Path) -> Path:
    if contestant.source is None:
        shutil.copytree(ROOT / "src", stage / "src", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "wrangler.toml", stage)
    else:
        shutil.copytree(contestant.source, stage)
    for modules in ("python_modules", "node_modules"):
        (stage / modules).symlink_to(ROOT / modules)
    return stage


def _lift_limit(config: Path) -> None:
    text = config.read_text()
    if text.count(PRESIGN_LIMIT) != 1:
        raise StartError(f"{PRESIGN_LIMIT} is not in wrangler.toml once: it is another limit now")
    config.write_text(text.replace(PRESIGN_LIMIT, UNLIMITED))


def _workerd(wrangler: int) -> int:
    """Return the workerd that runs the Worker: the proxy's is the one on a port of our choice."""
    for pid in descendants(wrangler):
        if "--socket-addr=entry=127.0.0.1:0" in command(pid):
            return pid
    raise StartError("no workerd runs the Worker: Wrangler starts it in another way now")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
