"""The shim's settings: `settings.MEDIA_SHIM`, read once, checked and frozen.

An application must come up before its media are configured, so nothing raises while the settings
are read: what is wrong is collected. `checks` reports all of it; a request that needs the settings
is answered with the first (`current`).

    MEDIA_SHIM = {
        "WORKER_URL": "https://media.example.com",  # required
        "GATEWAY_KEY": "…",                         # required: one of the Worker's GATEWAY_KEYS
        "TOKEN_KEYS": "k1:<base64url>",             # required: the Worker's MEDIA_TOKEN_KEYS
        "PUBLIC_URL": "https://media.example.com",  # where browsers find it; else WORKER_URL
        "TOKEN_TTL": 600,                           # seconds that a delivery URL lives
        "SERVICE": "app",                           # what this application is called in keys
        "SHIM_ID": "app",                           # whose files they are; else SERVICE
        "UNATTACHED_TTL": 86400,                    # seconds that a file may stay unattached
        "TENANT": "shop.media.tenant_of",           # (user) -> str | None
        "ATTACH_RESOLVER": "shop.media.may_attach", # (user, attach_to) -> bool
        "VIEWABLE": "shop.media.viewable",          # (viewer, files) -> those that they may see
        "TIMEOUT": 10,                              # seconds that the Worker may stay silent
    }
"""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from media_shim.errors import NotConfigured
from media_shim.keys import SigningKey, read_keys

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.db.models import QuerySet

    from media_shim.models import MediaObject, MediaQuerySet

TenantOf: TypeAlias = "Callable[[AbstractBaseUser], str | None]"
AttachResolver: TypeAlias = "Callable[[AbstractBaseUser, str], bool]"
Viewable: TypeAlias = "Callable[[AbstractBaseUser, MediaQuerySet], QuerySet[MediaObject]]"

LONGEST_TTL: Final = 3540
"""In seconds: a token that lives over an hour has to be revocable, and these are not. The minute
below it is for a clock that runs ahead of the Worker's."""

SHORTEST_UNATTACHED: Final = 60
"""In seconds: between a commit and the transaction that attaches, a request may take its time."""

DEVELOPMENT_GATEWAY_KEY: Final = "dev-gateway-key"
"""The gateway key that is published with the source."""

IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What may stand in a header, and as a segment of a file's key."""

REQUIRED: Final = ("WORKER_URL", "GATEWAY_KEY", "TOKEN_KEYS")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ShimSettings:
    """The settings, all of them usable.

    Attributes:
        worker_url: where the shim finds the Worker, without a slash at the end.
        public_url: where browsers find it, without a slash at the end.
        gateway_key: by which the Worker believes what the shim says of a user.
        signing_key: the first of TOKEN_KEYS.
        development_secrets: which settings hold a secret that was published with the source.
        token_ttl: how long a delivery URL lives, in seconds.
        service: the part of the application that files are uploaded for.
        shim_id: as whom the Worker knows this installation: it alone changes its files.
        unattached_ttl: how long a committed file may stay unattached, in seconds; 0 is for ever.
        tenant: tells a user's tenant.
        attach_resolver: tells whether a user may attach a file to something.
        viewable: narrows files to those that a viewer may see.
        timeout: how long the Worker may stay silent, in seconds.
    """

    worker_url: str
    public_url: str
    gateway_key: str = field(repr=False)
    signing_key: SigningKey
    development_secrets: tuple[str, ...]
    token_ttl: int
    service: str
    shim_id: str
    unattached_ttl: int
    tenant: TenantOf
    attach_resolver: AttachResolver
    viewable: Viewable
    timeout: float


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one setting.

    Attributes:
        setting: its name in MEDIA_SHIM; empty for MEDIA_SHIM itself.
        why: the rest of the sentence that the name begins. It shows no value of a secret.
        missing: whether it is simply not there, which an unfinished installation may be.
        detail: what only whoever runs `manage.py check` is told: it can have the machine's paths.
        write: what to write instead, where that follows from what is there; else empty.
    """

    setting: str
    why: str
    missing: bool = False
    detail: str = ""
    write: str = ""

    @property
    def name(self) -> str:
        """The setting's full name."""
        return f"MEDIA_SHIM.{self.setting}" if self.setting else "MEDIA_SHIM"


def current() -> ShimSettings:
    """Return the settings.

    Raises:
        NotConfigured: one of them is missing or wrong.
    """
    shim, problems = reading()
    if problems:
        raise NotConfigured(problems[0].name, problems[0].why)
    return shim


@functools.cache
def reading() -> tuple[ShimSettings, tuple[Problem, ...]]:
    """Return the settings, and what is wrong with them: when something is, they are not to be used.

    Read at the first call and kept, so that no request pays for it.
    """
    reader = _Reader(getattr(settings, "MEDIA_SHIM", {}))
    return reader.settings(), tuple(reader.problems)


def _forget(*, setting: str, **_: object) -> None:
    """Read anew after a test changed the settings."""
    if setting == "MEDIA_SHIM":
        reading.cache_clear()


setting_changed.connect(_forget)


def no_tenant(user: "AbstractBaseUser") -> str | None:  # noqa: ARG001
    """Every user's files are their own: the default of TENANT."""
    return None


def nobody_attaches(user: "AbstractBaseUser", attach_to: str) -> bool:  # noqa: ARG001
    """Only the application knows what its files may hang on: the default of ATTACH_RESOLVER."""
    return False


def owner_views(viewer: "AbstractBaseUser", files: "MediaQuerySet") -> "QuerySet[MediaObject]":
    """Whoever uploaded a file sees it, and nobody else: the default of VIEWABLE."""
    return files.owned_by(viewer)


_NO_KEYS: Final[tuple[SigningKey, ...]] = (SigningKey("", b""),)


class _Reader:
    """Reads one setting after another and collects what is wrong."""

    def __init__(self, raw: object) -> None:
        self.problems: list[Problem] = []
        self._asked: set[str] = set()
        self._raw: Mapping[object, object] = raw if isinstance(raw, Mapping) else {}
        if not isinstance(raw, Mapping):
            self.problems.append(Problem("", "must be a dict"))

    def settings(self) -> ShimSettings:
        worker_url = self._take("WORKER_URL", _url, "")
        gateway_key = self._take("GATEWAY_KEY", _secret, "")
        keys = self._take("TOKEN_KEYS", _token_keys, _NO_KEYS)
        service = self._take("SERVICE", _identifier, "app")
        shim = ShimSettings(
            worker_url=worker_url,
            public_url=self._take("PUBLIC_URL", _url, worker_url),
            gateway_key=gateway_key,
            signing_key=keys[0],
            development_secrets=_development_secrets(gateway_key, keys),
            token_ttl=self._take("TOKEN_TTL", _ttl, 600),
            service=service,
            shim_id=self._take("SHIM_ID", _identifier, service),
            unattached_ttl=self._take("UNATTACHED_TTL", _unattached_ttl, 86_400),
            tenant=self._take("TENANT", _function, no_tenant),
            attach_resolver=self._take("ATTACH_RESOLVER", _function, nobody_attaches),
            viewable=self._take("VIEWABLE", _function, owner_views),
            timeout=self._take("TIMEOUT", _timeout, 10.0),
        )
        self._refuse_what_was_not_asked_for()
        return shim

    def _take(self, name: str, read: Callable[[object], _T], default: _T) -> _T:
        self._asked.add(name)
        value = self._raw.get(name)
        if value is None or value == "":
            if name in REQUIRED:
                self.problems.append(Problem(name, "is not set", missing=True))
            return default
        try:
            return read(value)
        except _Corrected as error:
            self.problems.append(Problem(name, str(error), write=f'"{name}": "{error.value}"'))
        except ValueError as error:
            why, detail = (*error.args, "")[:2]
            self.problems.append(Problem(name, why, detail=detail))
        return default

    def _refuse_what_was_not_asked_for(self) -> None:
        for name in map(str, self._raw):
            if name not in self._asked:
                meant = get_close_matches(name.upper(), self._asked, 1)
                write = f"{meant[0]}, if that is what you mean." if meant else ""
                known = ", ".join(sorted(self._asked))
                self.problems.append(
                    Problem(name, f"is no setting; there are {known}", write=write)
                )


class _Corrected(ValueError):
    """A wrong value of which can be said what it should be.

    Attributes:
        value: what to write. No secret is in it.
    """

    def __init__(self, why: str, value: str) -> None:
        super().__init__(why)
        self.value = value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return value


def _url(value: object) -> str:
    url = _text(value)
    wrong = ValueError("must be an http or https URL without a query, a name or a password")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port  # A port that is no number raises when it is read.
        httpx.URL(url).host  # noqa: B018  # Nor does the client take every name of a host.
    except (ValueError, httpx.InvalidURL):
        raise wrong from None
    if _HOST.fullmatch(url):
        raise _Corrected("has no scheme", f"{_scheme_for(url)}://{url}")
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise wrong
    # What is in front of the host would be in every URL that a browser is given.
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise wrong
    return url.rstrip("/")


_HOST: Final = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?/?")


def _scheme_for(host: str) -> str:
    return "http" if host.startswith(("127.", "localhost")) else "https"


def _secret(value: object) -> str:
    text = _text(value)
    if not (text.isascii() and text.isprintable()) or " " in text or "," in text:
        raise ValueError("must be one key of visible ASCII characters")
    return text


def _token_keys(value: object) -> tuple[SigningKey, ...]:
    return read_keys(_text(value))


def _identifier(value: object) -> str:
    if not IDENTIFIER.fullmatch(_text(value)):
        raise ValueError("must be 1 to 64 letters, digits, underscores or hyphens")
    return _text(value)


def _ttl(value: object) -> int:
    seconds = _number(value, int)
    if not 1 <= seconds <= LONGEST_TTL:
        raise ValueError(f"must be 1 to {LONGEST_TTL} seconds")
    return seconds


def _unattached_ttl(value: object) -> int:
    seconds = _number(value, int)
    if seconds != 0 and seconds < SHORTEST_UNATTACHED:
        raise ValueError(f"must be at least {SHORTEST_UNATTACHED} seconds, or 0 for ever")
    return seconds


def _timeout(value: object) -> float:
    seconds = _number(value, float)
    if not 0 < seconds <= LONGEST_TTL:
        raise ValueError("must be a number of seconds above 0")
    return seconds


_N = TypeVar("_N", int, float)


def _number(value: object, number: type[_N]) -> _N:
    """Take a number, or the text of one: settings often come from the environment."""
    try:
        if isinstance(value, bool) or not isinstance(value, (str, number, int)):
            raise ValueError
        return number(value)
    except ValueError:
        raise ValueError("must be a number of seconds") from None


def _function(value: object) -> Any:
    """Import a function. What it takes and gives, its path cannot tell."""
    if isinstance(value, FunctionType):
        path = f"{value.__module__}.{value.__qualname__}"
        raise _Corrected("must be the dotted path of a function, not the function itself", path)
    path = _text(value)
    try:
        function = import_string(path)
    except Exception as error:  # Whatever the application's module does when it is imported.
        raise ValueError("cannot be imported", f"{type(error).__name__}: {error}") from None
    if not callable(function):
        raise ValueError(f"must be the dotted path of a function, and {path} is none")
    return function


def _development_secrets(gateway_key: str, keys: tuple[SigningKey, ...]) -> tuple[str, ...]:
    published = []
    if gateway_key == DEVELOPMENT_GATEWAY_KEY:
        published.append("GATEWAY_KEY")
    if any(key.is_published for key in keys):
        published.append("TOKEN_KEYS")
    return tuple(published)
