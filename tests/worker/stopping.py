"""A Worker whose requests stop where a test says, and the server at which they wait.

`mortal/mortal_entry.py` is the Worker's side of it.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition
from urllib.parse import unquote, urlsplit

from media_engine.ports import HttpRequest
from runtime.process import ROOT
from tests.cloudflare_api import CloudflareApi
from tests.fakes import NoAnswer, Served
from tests.servers import serving

SECONDS = 60


@dataclass(frozen=True)
class Told:
    """What a run told.

    Attributes:
        what: whether it "stopped" or "ended".
        name: what the test calls it.
        awaits: how many of its awaits were done.
        place: where the last of them was.
    """

    what: str
    name: str
    awaits: int
    place: str


@dataclass
class Waiting:
    """The world that the Worker's requests reach: where they stop, a picture, and an API.

    Attributes:
        picture: what every other path gives.
        api: Cloudflare's.
        told: by the name of each run that told something, what it told last.
        url: where it is.
    """

    picture: Callable[[str], bytes]
    api: CloudflareApi = field(default_factory=CloudflareApi)
    told: dict[str, Told] = field(default_factory=dict)
    url: str = ""
    _changed: Condition = field(default_factory=Condition)

    def __call__(self, request: HttpRequest) -> Served:
        path = urlsplit(request.url).path
        if path.startswith("/client/v4/"):
            return self.api(request)
        what, *rest = path[1:].split("/")
        if what not in ("stopped", "ended"):
            return Served(200, {"content-type": "image/jpeg"}, self.picture(path))
        name, awaits, place = map(unquote, rest)
        with self._changed:
            self.told[name] = Told(what, name, int(awaits), place)
            self._changed.notify_all()
        if what == "stopped":
            raise NoAnswer(hangs=True)
        return Served()

    def wait_for(self, *names: str) -> list[Told]:
        """Wait until each of these runs has told something; return what.

        Raises:
            TimeoutError: one of them did not.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self.told.keys() >= set(names), SECONDS):
                raise TimeoutError(f"nothing was told by {sorted(set(names) - self.told.keys())}")
            return [self.told[name] for name in names]


@contextmanager
def waiting(picture: Callable[[str], bytes]) -> Iterator[Waiting]:
    """Be that world while the block runs."""
    world = Waiting(picture)
    with serving(world) as world.url:
        yield world


def stage(config: Path, folder: Path) -> Path:
    """Put the Worker with the mortal entry into a folder of its own; return its configuration.

    Args:
        config: the configuration of the Worker with the entry that is deployed.
        folder: the folder.
    """
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(__file__).parent / "mortal" / "mortal_entry.py", folder / "src")
    (folder / "python_modules").symlink_to(ROOT / "python_modules")
    text, deployed = config.read_text(), f'"{ROOT / "src" / "entry.py"}"'
    assert text.count(deployed) == 1
    staged = folder / "wrangler.toml"
    staged.write_text(text.replace(deployed, '"src/mortal_entry.py"'))
    return staged
