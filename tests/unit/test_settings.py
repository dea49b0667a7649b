"""Each setting: what is wrong with it, who is stopped by that, and that nothing tells a secret."""

import json
from collections.abc import Callable, Mapping

import pytest

from media_engine.errors import NotConfigured, R2NotConfigured
from media_engine.http.message import Response
from media_engine.settings import (
    ALL_BINDINGS,
    BINDINGS,
    DEFAULTS,
    OPTIONAL_BINDINGS,
    QUEUE,
    IngestSettings,
    Settings,
)
from media_engine.signing.token import Claims, mint
from tests.unit.engine import ALICE_HEADERS, ENVIRONMENT, PHOTO, Engine, members, to_json

KEY = "t/acme/blog/2026/11/aB3nR7kWaB3nR7kWaB3nR.jpg"
KEYS = ENVIRONMENT["MEDIA_TOKEN_KEYS"]
DEVELOPMENT_KEYS = "dev1:ZGV2ZWxvcG1lbnQtb25seS1tZWRpYS10b2tlbi1rZXktMQ"
PURGE_NAMES = ("CLOUDFLARE_API_URL", "CLOUDFLARE_ZONE_ID", "CLOUDFLARE_API_TOKEN")
S3_NAMES = ("R2_S3_ENDPOINT", "R2_BUCKET_NAME", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY")

WRONG: Mapping[str, list[str]] = {
    "ENVIRONMENT": ["prod", "Production", "dev", "development,production"],
    "MEDIA_PUBLIC_URL": [
        "", "/", "media.example.com", "//media.example.com", "ftp://media.example.com", "https://",
        "https:media.example.com", "https://media.example.com?a=b", "https://media.example.com?",
        "https://media.example.com/#a", "https://Media.example.com", "https://[",
        "https://media.example.com:443", "http://media.example.com:80",
        "https://media.example\n.com", "HTTPS://media.example.com", "javascript:alert(1)",
    ],
    "MEDIA_TOKEN_KEYS": [
        "", " ", "k1", "k1:", ":abc", "k1:short", "k1:" + "*" * 50, ",", DEVELOPMENT_KEYS,
        f"{KEYS},", f"{KEYS},{DEVELOPMENT_KEYS}", f"{KEYS},{KEYS}",
    ],
    "GATEWAY_KEYS": ["", " ", ",", "a,", "a,,b", "dev-gateway-key", "a,dev-gateway-key"],
    "KEY_PREFIXES": [",", "u/,", "u", "u/,t", "/", "/u/", "u/,/t/"],
    "PRIVATE_RESOURCE_POLICY": ["same_origin", "Same-Site", "none", "*"],
    "PRIVATE_MAX_AGE": ["-1", "1.5", "a minute"],
    "EDGE_CACHE_TTL": ["0", "-1", "1h"],
    "EDGE_CACHE_MAX_BYTES": ["-1", "10MB"],
    "R2_S3_ENDPOINT": [
        "", "account.r2.cloudflarestorage.com", "https://", "s3://account", "https://a?b=c",
        "https://Account.r2.cloudflarestorage.com", "https://a:443",
    ],
    "R2_BUCKET_NAME": ["", " "],
    "R2_ACCESS_KEY_ID": ["", "\n"],
    "R2_SECRET_ACCESS_KEY": ["", "\t"],
    "MAX_IMAGE_BYTES": ["0", "-1", "10MB", "1e6", "1.5", "1_000", "٣", "9" * 16, "ten"],
    "MAX_VIDEO_BYTES": ["0", "500 MB"],
    "MAX_DOCUMENT_BYTES": ["0", "0x10"],
    "UPLOAD_ORIGINS": ["app.example.com", "https://", "https://a.example/", "ftp://a", "*,x"],
    "INGEST_RESOLVER_URL": [
        "dns.example.com", "ftp://dns.example.com", "https://dns.example.com?dns",
        "http://dns.example.com/dns-query",
    ],
    "INGEST_TIMEOUT": ["0", "-1", "1m", "3601", "9" * 12],
    "INGEST_PORTS": ["0", "65536", "http", "80;443", "80,-1", "80,٣"],
    "INGEST_DENIED_HOSTS": ["https://a.org", "A.org", "a.org/", "a..org", ".a.org", "a.org b.org"],
    "INGEST_DEVELOPMENT_HOSTS": ["127.0.0.1:9000", "a.org:80,b.org:80"],
    "CLOUDFLARE_API_URL": [
        "api.cloudflare.com/client/v4", "http://api.cloudflare.com/client/v4", "https://", "ftp://a",
        "https://api.cloudflare.com/client/v4?a=b", "https://API.cloudflare.com/client/v4",
    ],
    "CLOUDFLARE_ZONE_ID": ["", "example.com", "a/b", "zone id", "ü"],
    "CLOUDFLARE_API_TOKEN": ["", "Bearer abc", "a\nb", "a\r\nx: y", "ü"],
    "PURGE_REPEAT_SECONDS": ["0", "-1", "1.5", "a minute", "3601", "99999", "٣"],
    "PURGE_RETRY_SECONDS": ["0", "30s", "3601"],
    "UPLOAD_PROFILE": ["Social", "none", "default,social"],
    "TENANT_QUOTA_BYTES": ["-1", "500 MB", "1e6", "9" * 16],
    "TENANT_QUOTA_FILES": ["-1", "a hundred"],
    "USER_QUOTA_BYTES": ["-1", "500 MB"],
    "USER_QUOTA_FILES": ["-1", "1.5"],
}  # fmt: skip
each_wrong_value = pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)


def read(**changed: str) -> Settings:
    return Settings.from_env({**ENVIRONMENT, **changed}, ALL_BINDINGS)


def test_a_worker_that_lacks_nothing_has_no_problems() -> None:
    settings = read()
    assert settings.problems == {}
    settings.require(*DEFAULTS, *BINDINGS)


def test_every_setting_has_values_that_are_wrong() -> None:
    assert WRONG.keys() == DEFAULTS.keys()


@each_wrong_value
def test_a_wrong_value_is_a_problem_that_names_its_setting(name: str, value: str) -> None:
    settings = read(**{name: value})
    assert settings.problems.keys() == {name}
    with pytest.raises(NotConfigured) as refused:
        settings.require(*DEFAULTS)
    assert refused.value.setting == name
    assert refused.value.message.startswith(f"{name} ")
    assert isinstance(refused.value, R2NotConfigured) == (name in S3_NAMES)


def test_what_is_not_set_has_the_default_of_the_contract() -> None:
    settings = read()
    # The environment is production, where no development key is welcome.
    assert "GATEWAY_KEYS" in read(GATEWAY_KEYS="dev-gateway-key").problems
    assert settings.key_prefixes == ("u/", "t/")
    assert settings.private_resource_policy == "same-site"
    assert settings.max_bytes == {
        "image": 10 * 1024 * 1024,
        "video": 500 * 1024 * 1024,
        "document": 10 * 1024 * 1024,
    }


def test_an_empty_environment_raises_nothing_and_names_all_that_is_missing() -> None:
    settings = Settings.from_env({}, [])
    assert settings.problems.keys() == {
        *BINDINGS, *OPTIONAL_BINDINGS, *S3_NAMES,
        "MEDIA_PUBLIC_URL", "MEDIA_TOKEN_KEYS", "GATEWAY_KEYS",
    }  # fmt: skip


@pytest.mark.parametrize(("name", "error"), BINDINGS.items())
def test_a_binding_that_is_missing_is_a_problem(name: str, error: type[NotConfigured]) -> None:
    rest = [binding for binding in ALL_BINDINGS if binding != name]
    settings = Settings.from_env(ENVIRONMENT, rest)
    assert settings.problems.keys() == {name}
    with pytest.raises(error, match=name):
        settings.require(*BINDINGS)


def test_a_binding_that_is_only_missed_stops_nobody() -> None:
    settings = Settings.from_env(ENVIRONMENT, [*BINDINGS, QUEUE])
    assert settings.problems.keys() == OPTIONAL_BINDINGS.keys()
    settings.require(*DEFAULTS, *BINDINGS)


def test_what_is_not_asked_for_stops_nobody() -> None:
    read(R2_BUCKET_NAME="").require("MEDIA_TOKEN_KEYS", "GATEWAY_KEYS", *BINDINGS)


def test_values_are_what_was_set() -> None:
    settings = read(
        ENVIRONMENT="development",
        CLOUDFLARE_API_URL="http://127.0.0.1:9000/client/v4/",
        PURGE_REPEAT_SECONDS="1",
        PURGE_RETRY_SECONDS="3600",
        MEDIA_PUBLIC_URL="http://127.0.0.1:8787/",
        KEY_PREFIXES=" u/ , t/ ",
        PRIVATE_RESOURCE_POLICY="cross-origin",
        MAX_IMAGE_BYTES="123",
        GATEWAY_KEYS="dev-gateway-key",
        INGEST_RESOLVER_URL="http://127.0.0.1:9053/dns-query",
        INGEST_TIMEOUT="5",
        INGEST_PORTS="443, 8443",
        INGEST_DENIED_HOSTS="acme.org, admin.globex.org",
        INGEST_DEVELOPMENT_HOSTS="127.0.0.1:9000",
    )
    assert not settings.problems
    assert settings.ingest == IngestSettings(
        resolver_url="http://127.0.0.1:9053/dns-query",
        timeout=5_000,
        ports=(443, 8443),
        denied_hosts=("acme.org", "admin.globex.org", "127.0.0.1"),
        development_hosts=("127.0.0.1:9000",),
    )
    assert settings.public_url == "http://127.0.0.1:8787"
    assert settings.key_prefixes == ("u/", "t/")
    assert settings.private_resource_policy == "cross-origin"
    assert settings.max_bytes["image"] == 123
    assert settings.s3.endpoint == "https://account.r2.cloudflarestorage.com"
    assert settings.s3.bucket == "media"
    assert settings.purge is not None
    assert settings.purge.api_url == "http://127.0.0.1:9000/client/v4"
    assert (settings.purge.repeat_after, settings.purge.retry_after) == (1, 3600)


def test_where_nothing_is_said_of_a_zone_nothing_is_purged_and_nothing_is_wrong() -> None:
    settings = read(CLOUDFLARE_ZONE_ID="", CLOUDFLARE_API_TOKEN="")
    assert settings.purge is None
    assert settings.problems == {}
    rest = {name: value for name, value in ENVIRONMENT.items() if name not in PURGE_NAMES}
    unqueued = Settings.from_env(rest, [*BINDINGS, *OPTIONAL_BINDINGS])
    assert unqueued.problems == {}, "it needs no queue either"


@pytest.mark.parametrize("name", PURGE_NAMES)
def test_with_one_wrong_value_of_the_zone_nothing_is_purged(name: str) -> None:
    assert read(**{name: WRONG[name][0]}).purge is None


def test_a_zone_without_a_queue_is_a_problem() -> None:
    settings = Settings.from_env(ENVIRONMENT, [*BINDINGS, *OPTIONAL_BINDINGS])
    assert settings.purge is None
    assert [problem.message for problem in settings.problems.values()] == [
        "MEDIA_QUEUE is not bound: see wrangler.toml."
    ]


def test_a_zone_is_purged_with_what_is_set_and_with_the_defaults() -> None:
    purge = read(PURGE_RETRY_SECONDS="soon").purge
    assert purge is not None
    assert purge.api_url == "https://api.cloudflare.com/client/v4"
    assert (purge.zone_id, purge.api_token) == (
        ENVIRONMENT["CLOUDFLARE_ZONE_ID"],
        ENVIRONMENT["CLOUDFLARE_API_TOKEN"],
    )
    assert (purge.repeat_after, purge.retry_after) == (60, 30)


def test_a_line_feed_at_the_end_of_a_secret_does_not_count() -> None:
    piped = Settings.from_env(
        {name: f"{value}\n" for name, value in ENVIRONMENT.items()}, ALL_BINDINGS
    )
    assert piped == read()


def test_development_keys_are_welcome_in_development_alone() -> None:
    keys = {"MEDIA_TOKEN_KEYS": DEVELOPMENT_KEYS, "GATEWAY_KEYS": "dev-gateway-key"}
    assert read(ENVIRONMENT="development", **keys).problems == {}
    for environment in ("production", "", "dev"):
        problems = read(ENVIRONMENT=environment, **keys).problems
        assert keys.keys() <= problems.keys()


SECRETS = {
    "MEDIA_TOKEN_KEYS": "k1:bXktb3duLXByZWNpb3VzLXNlY3JldC1pcy0zMi1ieXRlcw",
    "GATEWAY_KEYS": "precious-gateway-secret",
    "R2_SECRET_ACCESS_KEY": "precious-storage-secret",
    "CLOUDFLARE_API_TOKEN": "precious-api-token",
}
TOLD = ["precious", "my-own", SECRETS["MEDIA_TOKEN_KEYS"][3:]]


def test_no_secret_is_in_what_the_settings_say_of_themselves() -> None:
    settings = read(**SECRETS)
    purge = repr(settings.purge)
    for text in (repr(settings), str(settings), repr(settings.s3), f"{settings.token_keys}", purge):
        for secret in TOLD:
            assert secret not in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MEDIA_TOKEN_KEYS", "bXktb3duLXByZWNpb3VzLXNlY3JldC1pcy0zMi1ieXRlcw"),
        ("MEDIA_TOKEN_KEYS", "precious:bXktb3du"),
        ("MEDIA_TOKEN_KEYS", SECRETS["MEDIA_TOKEN_KEYS"] + ","),
        ("GATEWAY_KEYS", "precious-gateway-secret,"),
        ("MEDIA_PUBLIC_URL", "https://user:precious@Media.example.com"),
        ("R2_S3_ENDPOINT", "precious"),
        ("CLOUDFLARE_API_URL", "precious"),
        ("CLOUDFLARE_ZONE_ID", "precious zone"),
        ("CLOUDFLARE_API_TOKEN", "precious token"),
        ("PRIVATE_RESOURCE_POLICY", "precious"),
        ("MAX_IMAGE_BYTES", "precious"),
        ("KEY_PREFIXES", "precious"),
        ("ENVIRONMENT", "precious"),
    ],
)
def test_no_wrong_value_is_in_an_answer_or_in_the_log(name: str, value: str) -> None:
    engine = Engine({**SECRETS, name: value})
    answers = [
        engine.fetch("GET", "/health"),
        presign(engine),
        deliver(engine),
        complete(engine),
        delete(engine),
    ]
    said = [str(answer.body) for answer in answers]
    logged = [json.dumps(event) for event in engine.log.events]
    problems = [f"{problem!r} {problem}" for problem in engine.settings.problems.values()]
    for text in (*said, *logged, *problems):
        for secret in TOLD:
            assert secret not in text


def presign(engine: Engine) -> Response:
    return engine.fetch("POST", "/upload/presign", ALICE_HEADERS, to_json(PHOTO))


def complete(engine: Engine) -> Response:
    return engine.complete("media_" + "a" * 21)


def deliver(engine: Engine) -> Response:
    """Ask for a private file, with a token that a Worker in order would take."""
    engine.store.put(KEY, b"bytes", "image/jpeg")
    keys = Engine().settings.token_keys
    return engine.fetch("GET", f"/m/{KEY}?t={mint(Claims(key=KEY, exp=engine.now + 60), keys)}")


def deliver_public(engine: Engine) -> Response:
    """Ask for a file that everybody may have, of which nobody has heard."""
    return engine.fetch("GET", f"/m/{KEY}")


def resolve(engine: Engine) -> Response:
    body = to_json({"ids": ["media_" + "a" * 21]})
    return engine.fetch("POST", "/internal/resolve", ALICE_HEADERS, body, internal=True)


def ingest(engine: Engine) -> Response:
    """Ask for a file from where nothing is fetched."""
    body = to_json({"url": "http://10.0.0.1/", "service": "blog"})
    return engine.fetch("POST", "/upload/ingest-url", ALICE_HEADERS, body)


def grant(engine: Engine) -> Response:
    body = to_json({"service": "blog", "album": "summer"})
    return engine.fetch("POST", "/api/v1/media/access-token", ALICE_HEADERS, body)


def revoke(engine: Engine) -> Response:
    return engine.fetch("DELETE", "/api/v1/media/access-token/x", ALICE_HEADERS)


def delete(engine: Engine) -> Response:
    return engine.delete("media_" + "a" * 21)


def show_to(engine: Engine) -> Response:
    return engine.show_to("media_" + "a" * 21, "private")


CALLS: Mapping[str, tuple[Callable[[Engine], Response], int]] = {
    "presign": (presign, 201),
    "complete": (complete, 404),
    "deliver": (deliver, 200),
    "deliver_public": (deliver_public, 401),
    "resolve": (resolve, 200),
    "ingest": (ingest, 400),
    "grant": (grant, 201),
    "revoke": (revoke, 204),
    "delete": (delete, 404),
    "show_to": (show_to, 404),
}
"""Each call, and what it answers where nothing is wrong."""

STOPS: Mapping[str, set[str]] = {
    "ENVIRONMENT": set(),
    "MEDIA_PUBLIC_URL": {"resolve", "ingest", "grant"},
    "MEDIA_TOKEN_KEYS": {"deliver", "resolve", "grant"},
    "GATEWAY_KEYS": {"presign", "complete", "ingest", "delete", "show_to", "grant", "revoke"},
    "KEY_PREFIXES": {"deliver", "deliver_public"},
    "PRIVATE_RESOURCE_POLICY": {"deliver", "deliver_public"},
    **{name: {"presign"} for name in S3_NAMES},
    "MAX_IMAGE_BYTES": {"presign", "ingest"},
    "MAX_VIDEO_BYTES": {"presign", "ingest"},
    "MAX_DOCUMENT_BYTES": {"presign", "ingest"},
    # What is deleted is deleted, whether or not caches elsewhere can be told.
    **{name: set() for name in PURGE_NAMES},
    "PURGE_REPEAT_SECONDS": set(),
    "PURGE_RETRY_SECONDS": set(),
    "INGEST_RESOLVER_URL": {"ingest"},
    "INGEST_TIMEOUT": {"ingest"},
    "INGEST_PORTS": {"ingest"},
    "INGEST_DENIED_HOSTS": {"ingest"},
    "INGEST_DEVELOPMENT_HOSTS": {"ingest"},
}


@pytest.mark.parametrize(("name", "stopped"), STOPS.items())
def test_a_wrong_setting_stops_what_needs_it_and_nothing_else(name: str, stopped: set[str]) -> None:
    for call, (ask, status) in CALLS.items():
        response = ask(Engine({name: WRONG[name][0]}))
        if call in stopped:
            assert response.status == 503
            assert members(response)["setting"] == name
            code = "R2_NOT_CONFIGURED" if name in S3_NAMES else "MEDIA_NOT_CONFIGURED"
            assert members(response)["code"] == code
        else:
            assert response.status == status, call


@pytest.mark.parametrize("name", BINDINGS)
def test_nothing_works_without_a_binding(name: str) -> None:
    rest = [binding for binding in ALL_BINDINGS if binding != name]
    for ask, _ in CALLS.values():
        response = ask(Engine(bindings=rest))
        assert response.status == 503
        assert members(response)["setting"] == name


def test_an_upload_that_cannot_be_signed_leaves_no_row() -> None:
    engine = Engine({"R2_BUCKET_NAME": ""})
    assert presign(engine).status == 503
    assert engine.rows() == []


def test_the_largest_sizes_are_those_that_are_set() -> None:
    engine = Engine({"MAX_IMAGE_BYTES": "4"})
    response = presign(engine)
    assert (response.status, members(response)["code"]) == (400, "FILE_TOO_LARGE")
    assert engine.presign(contentType="application/pdf")["method"] == "PUT"


def test_health_says_that_all_is_well() -> None:
    response = Engine().fetch("GET", "/health")
    assert response.status == 200
    assert members(response) == {
        "status": "ok",
        "service": "media",
        "version": "0.1.0",
        "bindings": dict.fromkeys((*BINDINGS, *OPTIONAL_BINDINGS), True),
        "problems": [],
    }


@pytest.mark.parametrize("name", WRONG)
def test_health_names_what_is_wrong_and_still_answers(name: str) -> None:
    engine = Engine({name: WRONG[name][0]})
    response = engine.fetch("GET", "/health")
    assert response.status == 200
    assert members(response)["status"] == "degraded"
    assert members(response)["problems"] == [engine.settings.problems[name].message]
    assert members(response)["problems"][0].startswith(f"{name} ")


def test_health_tells_which_binding_is_missing() -> None:
    health = members(Engine(bindings=["DB", QUEUE]).fetch("GET", "/health"))
    assert health["bindings"] == {
        **dict.fromkeys((*BINDINGS, *OPTIONAL_BINDINGS), False),
        "DB": True,
    }
    assert health["status"] == "degraded"
    assert health["problems"] == [
        "MEDIA_BUCKET is not bound: see wrangler.toml.",
        "PRESIGN_LIMITER is not bound, and nobody is kept from presigning: see wrangler.toml.",
        "INGEST_LIMITER is not bound, and nobody is kept from ingesting too much: "
        "see wrangler.toml.",
        "GUESS_LIMITER is not bound, and nobody is kept from guessing keys: see wrangler.toml.",
    ]
