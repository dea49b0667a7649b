"""What is looked at, in order; what each check needs; and what to do where it fails.

A check is a function of the walk that returns what was seen, or raises `Wrong` with it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_urlsafe
from typing import Final

import httpx
from django.conf import settings
from django.utils import timezone

from media_shim.errors import NotConfigured
from media_shim.golive.picture import CONTENT_TYPE
from media_shim.golive.trial import Trial, Upload
from media_shim.uploads import Visibility

EXPIRED_FOR: Final = timedelta(minutes=5)
"""Longer than the Worker forgives a clock."""


class Wrong(Exception):
    """A check failed.

    Args:
        seen: what there was to be seen.
        advice: what to do next, where the check's own advice does not say it.
    """

    def __init__(self, seen: str, advice: str | None = None) -> None:
        super().__init__(seen)
        self.seen = seen
        self.advice = advice


class NotAsked(Exception):
    """A check has nothing to look at: an option was not given. The sentence says which."""


@dataclass
class Walk:
    """A walk through a deployment.

    Attributes:
        trial: the files that are uploaded.
        origin: of the application's pages, or None.
        r2_dev: the bucket's public address, which should not work; or None.
        workers_dev: the Worker's address without the custom domain; likewise.
        private: the file that is private.
        public: the one that is public.
    """

    trial: Trial
    origin: str | None
    r2_dev: str | None
    workers_dev: str | None
    private: Upload | None = None
    public: Upload | None = None

    @property
    def the_private(self) -> Upload:
        if self.private is None:
            raise LookupError("nothing was signed")
        return self.private

    @property
    def the_public(self) -> Upload:
        if self.public is None:
            raise LookupError("nothing was signed")
        return self.public

    def get(self, url: str, **headers: str) -> httpx.Response:
        """Load what a browser would."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.trial.http.get(url, headers={"accept-encoding": "identity", **named})


@dataclass(frozen=True)
class Check:
    """One thing to look at.

    Attributes:
        name: what it is called.
        look: looks, and returns what was seen; or raises `Wrong`.
        advice: what to do next where it is wrong.
        needs: the checks without which this one cannot be made.
    """

    name: str
    look: Callable[[Walk], str]
    advice: str
    needs: tuple[str, ...] = ()


def health(walk: Walk) -> str:
    response = walk.trial.http.get(f"{walk.trial.shim.worker_url}/health")
    body = _json(response)
    if body.get("service") != "media":
        raise Wrong(
            f"{response.status_code}, and not the Worker's",
            "MEDIA_SHIM.WORKER_URL leads elsewhere: give it the Worker's custom domain, and look "
            "at `routes` in wrangler.toml.",
        )
    missing = [name for name, is_there in _mapping(body.get("bindings")).items() if not is_there]
    problems = body.get("problems")
    if missing or body.get("status") != "ok":
        said = "; ".join(map(str, problems)) if isinstance(problems, list) else ""
        raise Wrong(f"{body.get('status')}: {said or ', '.join(missing)}")
    names = ", ".join(_mapping(body.get("bindings")))
    return f"ok, version {body.get('version')}, with {names}"


def gateway_key(walk: Walk) -> str:
    with walk.trial.client(token_urlsafe(32)) as stranger:
        try:
            walk.trial.sign(stranger)
        except NotConfigured:
            return "401 to a key that is none"
    raise Wrong("an upload was issued to a key that is none")


def sign(walk: Walk) -> str:
    with walk.trial.client() as client:
        walk.private = walk.trial.sign(client)
        walk.public = walk.trial.sign(client, Visibility.PUBLIC)
    return "two uploads were issued"


def preflight(walk: Walk) -> str:
    origin = _asked(walk.origin, "--origin")
    issued = walk.the_private.issued
    response = walk.trial.http.options(
        issued.url,
        headers={
            "origin": origin,
            "access-control-request-method": "PUT",
            "access-control-request-headers": ",".join(sorted(issued.headers)),
        },
    )
    allowed = response.headers
    if response.status_code >= 300 or allowed.get("access-control-allow-origin") not in (
        origin,
        "*",
    ):
        raise Wrong(f"{response.status_code}, and not for {origin}")
    if "PUT" not in _listed(allowed.get("access-control-allow-methods", "")):
        raise Wrong("PUT is not allowed")
    headers = {name.lower() for name in _listed(allowed.get("access-control-allow-headers", ""))}
    refused = [name for name in issued.headers if name.lower() not in headers]
    if refused and "*" not in headers:
        raise Wrong(f"these headers are not allowed: {', '.join(refused)}")
    return f"PUT from {origin} with its headers"


def upload(walk: Walk) -> str:
    for each in (walk.the_private, walk.the_public):
        response = walk.trial.put(each, walk.origin)
        _expect(response, 200)
    if walk.origin is not None:
        exposed = response.headers.get("access-control-expose-headers", "").lower()
        if "etag" not in _listed(exposed) and exposed != "*":
            raise Wrong("stored, but pages may not read ETag", EXPOSE)
    return f"{len(walk.trial.content)} bytes each"


def second_put(walk: Walk) -> str:
    _expect(walk.trial.put(walk.the_private), 412)
    return "412"


def commit(walk: Walk) -> str:
    with walk.trial.client() as client:
        for each in (walk.the_private, walk.the_public):
            client.complete(walk.trial.identity, each.issued.media_id)
    return "both are files"


def fetch(walk: Walk) -> str:
    response = walk.get(walk.trial.mint(walk.the_private.media))
    _expect(response, 200)
    if response.content != walk.trial.content:
        raise Wrong(f"{len(response.content)} bytes, and others than were sent")
    if response.headers.get("content-type") != CONTENT_TYPE:
        raise Wrong(f"content-type: {response.headers.get('content-type')}")
    return "byte for byte, with a token"


def head(walk: Walk) -> str:
    url = walk.trial.mint(walk.the_private.media)
    whole, bare = walk.get(url), walk.trial.http.head(url, headers={"accept-encoding": "identity"})
    _expect(bare, 200)
    for name in ("content-length", "content-type", "etag", "last-modified"):
        if bare.headers.get(name) != whole.headers.get(name):
            raise Wrong(f"{name} is not that of GET")
    return "as GET, without the body"


def part(walk: Walk) -> str:
    response = walk.get(walk.trial.mint(walk.the_private.media), range="bytes=40-49")
    _expect(response, 206)
    if response.content != walk.trial.content[40:50]:
        raise Wrong("206 with other bytes than were asked for")
    if response.headers.get("content-range") != f"bytes 40-49/{len(walk.trial.content)}":
        raise Wrong(f"content-range: {response.headers.get('content-range')}")
    return "206 with bytes 40 to 49"


def unchanged(walk: Walk) -> str:
    url = walk.trial.mint(walk.the_private.media)
    etag = walk.get(url).headers.get("etag", "")
    _expect(walk.get(url, if_none_match=etag), 304)
    return "304 for its ETag"


def without_token(walk: Walk) -> str:
    return _refused(walk.get(walk.trial.bare_url(walk.the_private.media)), 401, "TOKEN_MISSING")


def expired_token(walk: Walk) -> str:
    life = timedelta(seconds=walk.trial.shim.token_ttl)
    url = walk.trial.mint(walk.the_private.media, timezone.now() - life - EXPIRED_FOR)
    return _refused(walk.get(url), 401, "TOKEN_EXPIRED")


def another_token(walk: Walk) -> str:
    file, other = walk.the_private, walk.the_private.media
    other.key = walk.the_public.issued.key
    theirs = walk.trial.mint(other)
    url = f"{walk.trial.bare_url(file.media)}?{theirs.partition('?')[2]}"
    return _refused(walk.get(url), 401, "TOKEN_KEY_MISMATCH")


def headers_of_private(walk: Walk) -> str:
    headers = walk.get(walk.trial.mint(walk.the_private.media)).headers
    wrong = [
        f"{name}: {headers.get(name, 'missing')}"
        for name, wanted in PRIVATE_HEADERS.items()
        if headers.get(name) not in wanted
    ]
    if "private" not in headers.get("cache-control", ""):
        wrong.append(f"cache-control: {headers.get('cache-control', 'missing')}")
    if wrong:
        raise Wrong("; ".join(wrong))
    policy = headers["cross-origin-resource-policy"]
    if policy == "cross-origin" and not settings.DEBUG:
        raise Wrong(
            "private files may be embedded by anybody's pages",
            "Set PRIVATE_RESOURCE_POLICY in the Worker to same-site or same-origin "
            "(docs/delivery.md).",
        )
    return f"nosniff, sandbox, {policy}, private"


def public_file(walk: Walk) -> str:
    response = walk.get(walk.trial.bare_url(walk.the_public.media))
    _expect(response, 200)
    if response.content != walk.trial.content:
        raise Wrong("other bytes than were sent")
    if response.headers.get("access-control-allow-origin") != "*":
        raise Wrong("no access-control-allow-origin: *")
    return "without a token, for every origin"


def bucket_is_closed(walk: Walk) -> str:
    url = _asked(walk.r2_dev, "--r2-dev").rstrip("/")
    for each in (walk.the_private, walk.the_public):
        if _is_served(walk, f"{url}/{each.issued.key}"):
            raise Wrong("the bucket serves private files to everybody")
    return "serves nothing"


def workers_dev_is_closed(walk: Walk) -> str:
    url = _asked(walk.workers_dev, "--workers-dev").rstrip("/")
    if _is_served(walk, f"{url}/health"):
        raise Wrong("the Worker answers there, too")
    return "serves nothing"


def delete(walk: Walk) -> str:
    file = walk.the_private
    url = walk.trial.mint(file.media)
    with walk.trial.client() as client:
        walk.trial.remove(file, client)
    return _refused(walk.get(url), 410, "MEDIA_GONE")


def _is_served(walk: Walk, url: str) -> bool:
    """Tell whether somebody has something there. That nobody is there, is a no."""
    try:
        return walk.get(url).is_success
    except httpx.RequestError:
        return False


def _asked(option: str | None, name: str) -> str:
    if option is None:
        raise NotAsked(f"{name} was not given")
    return option


def _refused(response: httpx.Response, status: int, code: str) -> str:
    """Return what was seen, if it is this refusal.

    Raises:
        Wrong: it is another one, or none.
    """
    found = _json(response).get("code") if not response.is_success else None
    if (response.status_code, found) != (status, code):
        raise Wrong(f"{response.status_code} {found or ''}".rstrip())
    return f"{status} {code}"


def _expect(response: httpx.Response, status: int) -> None:
    if response.status_code != status:
        code = _json(response).get("code", "")
        raise Wrong(f"{response.status_code} {code}".rstrip() + f" in place of {status}")


def _json(response: httpx.Response) -> Mapping[str, object]:
    try:
        return _mapping(response.json())
    except ValueError:
        return {}


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _listed(header: str) -> list[str]:
    return [name.strip() for name in header.split(",")]


PRIVATE_HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "x-content-type-options": ("nosniff",),
    "content-security-policy": ("default-src 'none'; sandbox",),
    "cross-origin-resource-policy": ("same-site", "same-origin", "cross-origin"),
    "referrer-policy": ("no-referrer",),
}

EXPOSE: Final = (
    "Put ETag into exposeHeaders of worker/r2-cors.json, then run make deploy: parts of a large "
    "upload need it."
)

CORS: Final = (
    "Put this origin, PUT and these headers into worker/r2-cors.json, then run make deploy, which "
    "applies it to the bucket."
)
SAME_KEYS: Final = (
    "Give MEDIA_SHIM.TOKEN_KEYS and the Worker's MEDIA_TOKEN_KEYS the same text; compare the "
    "clocks of this machine and the world; see that PUBLIC_URL leads to the Worker itself."
)
CACHE_IN_FRONT: Final = (
    "Something in front of the Worker answers for it, or changes what it says: look for cache "
    "rules, page rules and transforms of the zone on this host, and switch them off."
)
SERVED_TO_NOBODY: Final = (
    "Do not go live: private files are open. See that the host leads to the Worker alone, and that "
    "no cache rule of the zone covers it."
)
STORE: Final = (
    "Compare R2_S3_ENDPOINT, R2_BUCKET_NAME and the R2 credentials of the Worker with the bucket: "
    "the token needs object read and write there."
)

CHECKS: Final = (
    Check(
        "health",
        health,
        "Set what is named, in wrangler.toml or by wrangler secret put, then deploy.",
    ),
    Check(
        "wrong gateway key",
        gateway_key,
        "Do not go live: whoever reaches the Worker can act for every user. Set its GATEWAY_KEYS "
        "to secrets of your own, and see that nothing on the way adds x-gateway-key.",
        ("health",),
    ),
    Check(
        "sign",
        sign,
        "Give MEDIA_SHIM.GATEWAY_KEY one of the Worker's GATEWAY_KEYS; then look at what else it "
        "says here.",
        ("health",),
    ),
    Check("CORS preflight", preflight, CORS, ("sign",)),
    Check("upload", upload, STORE, ("sign",)),
    Check(
        "second upload refused",
        second_put,
        "Do not go live: a file can be overwritten. The store must honour if-none-match: use R2's "
        "own S3 endpoint as R2_S3_ENDPOINT.",
        ("upload",),
    ),
    Check(
        "commit",
        commit,
        "The Worker does not find what was stored: bucket_name and R2_BUCKET_NAME in wrangler.toml "
        "must be the same bucket.",
        ("upload",),
    ),
    Check("fetch", fetch, SAME_KEYS, ("commit",)),
    Check("HEAD", head, CACHE_IN_FRONT, ("fetch",)),
    Check("range", part, CACHE_IN_FRONT, ("fetch",)),
    Check("not modified", unchanged, CACHE_IN_FRONT, ("fetch",)),
    Check("refused without a token", without_token, SERVED_TO_NOBODY, ("fetch",)),
    Check("refused with an expired one", expired_token, SERVED_TO_NOBODY, ("fetch",)),
    Check("refused with another file's", another_token, SERVED_TO_NOBODY, ("fetch",)),
    Check("security headers", headers_of_private, CACHE_IN_FRONT, ("fetch",)),
    Check("public file", public_file, CACHE_IN_FRONT, ("commit",)),
    Check(
        "r2.dev closed",
        bucket_is_closed,
        "Do not go live: switch the public development URL of the bucket off "
        "(wrangler r2 bucket dev-url disable), and remove custom domains from it.",
        ("commit",),
    ),
    Check(
        "workers.dev closed",
        workers_dev_is_closed,
        "Set workers_dev = false and preview_urls = false in wrangler.toml, then deploy.",
        ("health",),
    ),
    Check(
        "deleted",
        delete,
        "See that the Worker's queue and database are bound, and look for a cache in front of it "
        "that serves what is gone.",
        ("fetch",),
    ),
)
