"""Every setting of the Worker: its name, its default and what may be wrong with it.

A Worker with one wrong setting still has to say which one, so nothing here raises while the
settings are read. What is wrong is kept beside what is right, and `Settings.require` raises it
where the setting is first needed: a missing S3 secret stops uploads and not delivery.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from media_engine.errors import NotConfigured, R2NotConfigured
from media_engine.signing.gateway import GatewayKeys, GatewayKeysError
from media_engine.signing.keyring import Keyring, KeyringError
from media_engine.signing.sigv4 import Credentials

MIB: Final = 1024 * 1024

_NUMBER: Final = re.compile(r"[0-9]{1,5}")
_HOST: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_ID: Final = re.compile(r"[A-Za-z0-9_-]+")

ENVIRONMENTS: Final = ("production", "development")
RESOURCE_POLICIES: Final = ("same-site", "same-origin", "cross-origin")

DEFAULTS: Final[Mapping[str, str]] = {
    "ENVIRONMENT": "production",
    "MEDIA_PUBLIC_URL": "",
    "MEDIA_TOKEN_KEYS": "",
    "GATEWAY_KEYS": "",
    "KEY_PREFIXES": "u/,t/",
    "PRIVATE_RESOURCE_POLICY": "same-site",
    "PRIVATE_MAX_AGE": "0",
    "EDGE_CACHE_TTL": "3600",
    "EDGE_CACHE_MAX_BYTES": str(10 * MIB),
    "R2_S3_ENDPOINT": "",
    "R2_BUCKET_NAME": "",
    "R2_ACCESS_KEY_ID": "",
    "R2_SECRET_ACCESS_KEY": "",
    "MAX_IMAGE_BYTES": str(10 * MIB),
    "MAX_VIDEO_BYTES": str(500 * MIB),
    "MAX_DOCUMENT_BYTES": str(10 * MIB),
    "UPLOAD_PROFILE": "default",
    "TENANT_QUOTA_BYTES": "",
    "TENANT_QUOTA_FILES": "",
    "USER_QUOTA_BYTES": "",
    "USER_QUOTA_FILES": "",
    "UPLOAD_ORIGINS": "",
    "INGEST_RESOLVER_URL": "https://cloudflare-dns.com/dns-query",
    "INGEST_TIMEOUT": "60",
    "INGEST_PORTS": "80,443",
    "INGEST_DENIED_HOSTS": "",
    "INGEST_DEVELOPMENT_HOSTS": "",
    "CLOUDFLARE_API_URL": "https://api.cloudflare.com/client/v4",
    "CLOUDFLARE_ZONE_ID": "",
    "CLOUDFLARE_API_TOKEN": "",
    "PURGE_REPEAT_SECONDS": "60",
    "PURGE_RETRY_SECONDS": "30",
}
"""The settings and their values where the environment has none. The first four of R2 name the
S3 side of the bucket, which the Worker signs uploads for: a binding cannot do that."""

PROFILES: Final[Mapping[str, Mapping[str, str]]] = {
    "default": {},
    "social": {"MAX_IMAGE_BYTES": str(20 * MIB)},
}
"""The profiles of `UPLOAD_PROFILE` (`uploads.limits.PROFILES`), and what each sets anew."""

BINDINGS: Final[Mapping[str, type[NotConfigured]]] = {
    "MEDIA_BUCKET": R2NotConfigured,
    "DB": NotConfigured,
}
"""The bindings without which nothing works, and the error that says so."""

OPTIONAL_BINDINGS: Final[Mapping[str, str]] = {
    "PRESIGN_LIMITER": "is not bound, and nobody is kept from presigning: see wrangler.toml",
    "INGEST_LIMITER": "is not bound, and nobody is kept from ingesting too much: see wrangler.toml",
    "GUESS_LIMITER": "is not bound, and nobody is kept from guessing keys: see wrangler.toml",
}
"""The bindings without which everything works, and what `/health` says where they are missing."""

QUEUE: Final = "MEDIA_QUEUE"
"""The binding without which nothing is purged."""

LONGEST_WAIT: Final = 3600
"""How long a purge may be kept back or wait for its next attempt, in seconds."""

ALL_BINDINGS: Final = (*BINDINGS, *OPTIONAL_BINDINGS, QUEUE)
"""Every binding that the Worker looks for."""


@dataclass(frozen=True, slots=True)
class S3Settings:
    """The S3 side of the bucket, for which uploads are signed.

    Attributes:
        endpoint: `https://<account>.r2.cloudflarestorage.com`, without the bucket.
        bucket: the bucket's name.
        credentials: an R2 API token that may write objects to this bucket.
    """

    endpoint: str
    bucket: str
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """From where files are fetched, and how.

    Attributes:
        resolver_url: who is asked for the addresses of a name, over HTTPS (RFC 8484).
        timeout: how long an ingest may take, in milliseconds.
        ports: where a server may listen.
        denied_hosts: names that are not fetched from, nor from what is below them: this service's
            own among them.
        development_hosts: `host:port`, let through unseen.
    """

    resolver_url: str
    timeout: int
    ports: tuple[int, ...]
    denied_hosts: tuple[str, ...]
    development_hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PurgeSettings:
    """The zone whose caches are purged, and how.

    Attributes:
        api_url: where Cloudflare's API is, without a slash at the end.
        zone_id: the zone of the media host.
        api_token: an API token that may purge this zone's caches.
        repeat_after: in how many seconds a purge is done again.
        retry_after: in how many seconds a purge that failed is tried again for the first time.
    """

    api_url: str
    zone_id: str
    api_token: str = field(repr=False)
    repeat_after: int
    retry_after: int


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings, read once for each isolate.

    Attributes:
        public_url: where browsers find the Worker, without a slash at the end.
        token_keys: the keys of delivery tokens.
        gateway_keys: the secrets by which the application's gateway is known.
        key_prefixes: what a key must begin with to be delivered.
        private_resource_policy: `Cross-Origin-Resource-Policy` of what is private.
        private_max_age: how long a browser may keep what is private, in seconds, but never longer
            than its token lives; 0 lets it keep nothing.
        cache_ttl: how long the edge cache keeps a file, in seconds.
        cache_bytes: how large a file the edge cache keeps, in bytes; 0 turns it off.
        s3: where uploads are signed for.
        max_bytes: the largest file of each kind, in bytes.
        upload_origins: the origins whose pages may send files to the Worker; `*` for any.
        ingest: from where files are fetched.
        purge: the zone whose caches are purged; None where that is not configured, or wrongly.
        profile: what a file may be inside: a name in `PROFILES`.
        tenant_quota: how many bytes, and how many files, a tenant may have of which nothing else
            was said; None for any number.
        user_quota: likewise a user without a tenant.
        problems: for each setting that cannot be used, the error that says why.
    """

    public_url: str
    token_keys: Keyring
    gateway_keys: GatewayKeys
    key_prefixes: tuple[str, ...]
    private_resource_policy: str
    private_max_age: int
    cache_ttl: int
    cache_bytes: int
    s3: S3Settings
    max_bytes: Mapping[str, int]
    upload_origins: tuple[str, ...]
    ingest: IngestSettings
    purge: PurgeSettings | None
    profile: str
    tenant_quota: tuple[int | None, int | None]
    user_quota: tuple[int | None, int | None]
    problems: Mapping[str, NotConfigured] = field(default_factory=dict)

    def require(self, *names: str) -> None:
        """Raise what is wrong with the first of these settings that cannot be used.

        Raises:
            NotConfigured: or `R2NotConfigured`, naming the setting.
        """
        if not self.problems:
            return
        for name in names:
            problem = self.problems.get(name)
            if problem is not None:
                # A new one: what is raised takes headers and a traceback from its request.
                raise type(problem)(problem.setting, problem.why)

    @classmethod
    def from_env(cls, env: Mapping[str, str], bindings: Collection[str]) -> "Settings":
        """Read the settings from the Worker's variables and secrets.

        Args:
            env: the value of each name in `DEFAULTS` that is set.
            bindings: the names in `ALL_BINDINGS` that the Worker has.
        """
        return _Reader(env, bindings).settings()


class _Reader:
    """Reads one setting after another and collects what is wrong."""

    def __init__(self, env: Mapping[str, str], bindings: Collection[str]) -> None:
        # A secret that was piped from `echo` ends in a line feed.
        given = {name: env.get(name, "").strip() for name in DEFAULTS}
        self._defaults = {**DEFAULTS, **PROFILES.get(given["UPLOAD_PROFILE"], {})}
        self._values = {name: given[name] or default for name, default in self._defaults.items()}
        self._problems: dict[str, NotConfigured] = {}
        self._has_queue = QUEUE in bindings
        for name, error in BINDINGS.items():
            if name not in bindings:
                self._wrong(name, "is not bound: see wrangler.toml", error)
        for name, consequence in OPTIONAL_BINDINGS.items():
            if name not in bindings:
                self._wrong(name, consequence)

    def settings(self) -> Settings:
        development = self._one_of("ENVIRONMENT", ENVIRONMENTS) == "development"
        return Settings(
            public_url=self._url("MEDIA_PUBLIC_URL", NotConfigured),
            token_keys=self._token_keys(development),
            gateway_keys=self._gateway_keys(development),
            key_prefixes=self._prefixes(),
            private_resource_policy=self._one_of("PRIVATE_RESOURCE_POLICY", RESOURCE_POLICIES),
            private_max_age=self._number("PRIVATE_MAX_AGE", "seconds"),
            cache_ttl=self._number("EDGE_CACHE_TTL", "seconds", least=1),
            cache_bytes=self._number("EDGE_CACHE_MAX_BYTES", "bytes"),
            s3=S3Settings(
                endpoint=self._url("R2_S3_ENDPOINT", R2NotConfigured),
                bucket=self._present("R2_BUCKET_NAME"),
                credentials=Credentials(
                    access_key_id=self._present("R2_ACCESS_KEY_ID"),
                    secret_access_key=self._present("R2_SECRET_ACCESS_KEY"),
                ),
            ),
            max_bytes={
                kind: self._number(f"MAX_{kind.upper()}_BYTES", "bytes", least=1)
                for kind in ("image", "video", "document")
            },
            upload_origins=self._origins("UPLOAD_ORIGINS"),
            ingest=self._ingest(development),
            purge=self._purge(development),
            profile=self._one_of("UPLOAD_PROFILE", tuple(PROFILES)),
            tenant_quota=self._quota("TENANT"),
            user_quota=self._quota("USER"),
            problems=self._problems,
        )

    def _ingest(self, development: bool) -> IngestSettings:
        excepted = self._list("INGEST_DEVELOPMENT_HOSTS")
        if excepted and not development:
            self._wrong("INGEST_DEVELOPMENT_HOSTS", "is set, and ENVIRONMENT is production")
            excepted = ()
        return IngestSettings(
            resolver_url=self._resolver_url(development),
            timeout=1000 * self._seconds("INGEST_TIMEOUT"),
            ports=self._ports("INGEST_PORTS"),
            denied_hosts=(*self._hosts("INGEST_DENIED_HOSTS"), *self._own_host()),
            development_hosts=excepted,
        )

    def _resolver_url(self, development: bool) -> str:
        url = self._url("INGEST_RESOLVER_URL", NotConfigured)
        # Who can change the answers on their way decides what is fetched.
        if not (development or url.startswith("https:")):
            self._wrong("INGEST_RESOLVER_URL", "must be an https URL")
        return url

    def _own_host(self) -> tuple[str, ...]:
        if "MEDIA_PUBLIC_URL" in self._problems:
            return ()
        return (urlsplit(self._values["MEDIA_PUBLIC_URL"]).hostname or "",)

    def _list(self, name: str) -> tuple[str, ...]:
        parts = (part.strip() for part in self._values[name].split(","))
        return tuple(part for part in parts if part)

    def _ports(self, name: str) -> tuple[int, ...]:
        ports = self._list(name)
        if not all(_NUMBER.fullmatch(port) and 0 < int(port) < 65_536 for port in ports):
            self._wrong(name, "must be ports with commas between")
            return ()
        return tuple(int(port) for port in ports)

    def _hosts(self, name: str) -> tuple[str, ...]:
        hosts = self._list(name)
        if not all(_HOST.fullmatch(host) for host in hosts):
            self._wrong(name, "must be names of hosts, in small letters, with commas between")
            return ()
        return hosts

    def _wrong(self, name: str, why: str, error: type[NotConfigured] = NotConfigured) -> None:
        self._problems.setdefault(name, error(name, why))

    def _one_of(self, name: str, choices: tuple[str, ...]) -> str:
        value = self._values[name]
        if value not in choices:
            self._wrong(name, f"must be one of {', '.join(choices)}")
            return choices[0]
        return value

    def _present(self, name: str) -> str:
        if not self._values[name]:
            self._wrong(name, "is not set", R2NotConfigured)
        return self._values[name]

    def _url(self, name: str, error: type[NotConfigured]) -> str:
        value = self._values[name].rstrip("/")
        if not value:
            self._wrong(name, "is not set", error)
            return ""
        try:
            parts = urlsplit(value)
        except ValueError:
            parts = urlsplit("")
        plain = f"{parts.scheme}://{parts.netloc}{parts.path}"
        if parts.scheme not in ("http", "https") or not parts.netloc or value != plain:
            self._wrong(name, "must be an http or https URL without query and fragment", error)
        elif parts.netloc != parts.netloc.lower() or parts.netloc.endswith((":80", ":443")):
            # A client sends Host in this form, and an upload's signature covers Host.
            self._wrong(name, "must have its host in small letters and no default port", error)
        return value

    def _number(self, name: str, unit: str, least: int = 0) -> int:
        value = self._values[name]
        if not (value.isascii() and value.isdecimal() and len(value) < 16 and int(value) >= least):
            self._wrong(name, f"must be a number of {unit}")
            value = self._defaults[name]
        return int(value)

    def _quota(self, scope: str) -> tuple[int | None, int | None]:
        return self._limit(f"{scope}_QUOTA_BYTES", "bytes"), self._limit(
            f"{scope}_QUOTA_FILES", "files"
        )

    def _limit(self, name: str, unit: str) -> int | None:
        """Return a number, or None where there is to be no limit.

        One that cannot be read lets nothing in, and whatever needs it says why.
        """
        value = self._values[name]
        if not value:
            return None
        if not (value.isascii() and value.isdecimal() and len(value) < 16):
            self._wrong(name, f"must be a number of {unit}")
            return 0
        return int(value)

    def _origins(self, name: str) -> tuple[str, ...]:
        origins = tuple(part.strip() for part in self._values[name].split(",") if part.strip())
        for origin in origins:
            scheme, _, host = origin.partition("://")
            if origin != "*" and (scheme not in ("http", "https") or not host or "/" in host):
                self._wrong(name, "must be origins such as https://app.example.com, or *")
                return ()
        return origins

    def _seconds(self, name: str) -> int:
        value = self._values[name]
        if not (value.isascii() and value.isdecimal() and 0 < len(value) < 5):
            value = "0"
        if not 0 < int(value) <= LONGEST_WAIT:
            self._wrong(name, f"must be a number of seconds, 1 to {LONGEST_WAIT}")
            value = DEFAULTS[name]
        return int(value)

    def _purge(self, development: bool) -> PurgeSettings | None:
        """Return the zone whose caches are purged. Without its id and a token there is none."""
        purge = PurgeSettings(
            api_url=self._api_url(development),
            zone_id=self._id("CLOUDFLARE_ZONE_ID", "CLOUDFLARE_API_TOKEN"),
            api_token=self._id("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ZONE_ID"),
            repeat_after=self._seconds("PURGE_REPEAT_SECONDS"),
            retry_after=self._seconds("PURGE_RETRY_SECONDS"),
        )
        if not (purge.zone_id and purge.api_token):
            return None
        if not self._has_queue:
            self._wrong(QUEUE, "is not bound: see wrangler.toml")
        necessary = ("CLOUDFLARE_API_URL", "CLOUDFLARE_ZONE_ID", "CLOUDFLARE_API_TOKEN", QUEUE)
        return None if self._problems.keys() & set(necessary) else purge

    def _api_url(self, development: bool) -> str:
        value = self._url("CLOUDFLARE_API_URL", NotConfigured)
        if not (development or value.startswith("https://")):
            self._wrong("CLOUDFLARE_API_URL", "must be an https URL: a token is sent there")
        return value

    def _id(self, name: str, other: str) -> str:
        """Return an id or a token that has to be set where the other one is."""
        value = self._values[name]
        if value and not _ID.fullmatch(value):
            self._wrong(name, "must be letters, digits, underscores and hyphens")
        elif not value and self._values[other]:
            self._wrong(name, f"is not set, and {other} is")
        return value

    def _prefixes(self) -> tuple[str, ...]:
        prefixes = tuple(part.strip() for part in self._values["KEY_PREFIXES"].split(","))
        if not all(prefix.endswith("/") and prefix[0] != "/" for prefix in prefixes):
            self._wrong("KEY_PREFIXES", "must be prefixes that end in a slash, with commas between")
            return ()
        return prefixes

    def _token_keys(self, development: bool) -> Keyring:
        name = "MEDIA_TOKEN_KEYS"
        try:
            keys = Keyring.parse(self._values[name])
        except KeyringError as error:
            self._wrong(name, str(error))
            return Keyring.empty()
        if keys.has_development_key and not development:
            self._wrong(name, "has a development key, and ENVIRONMENT is production")
        return keys

    def _gateway_keys(self, development: bool) -> GatewayKeys:
        name = "GATEWAY_KEYS"
        try:
            keys = GatewayKeys.parse(self._values[name])
        except GatewayKeysError as error:
            self._wrong(name, str(error))
            return GatewayKeys.empty()
        if keys.has_development_key and not development:
            self._wrong(name, "has the development key, and ENVIRONMENT is production")
        return keys
