"""MEDIA_SHIM: what is wrong with it is named, by `manage.py check` and by the answers."""

from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from media_shim import checks, conf
from media_shim.errors import NotConfigured
from media_shim.keys import SigningKey
from tests.shim.conftest import PICTURE, SECRET, TOKEN_KEYS, Browser

KEY = urlsafe_b64encode(SECRET).decode()
OWN_KEY = "A" * 22
DEVELOPMENT_KEY = urlsafe_b64encode(b"development-only-key-of-the-laptop").decode()

not_a_function = "a string"


def found() -> list[str]:
    return [str(message.id) for message in checks.check_settings(None)]


def test_a_configured_application_has_nothing_to_mend() -> None:
    assert found() == []
    call_command("check")


def test_what_is_not_set_has_a_default(settings: Any, shim_settings: Any) -> None:
    required = {name: shim_settings[name] for name in ("WORKER_URL", "GATEWAY_KEY", "TOKEN_KEYS")}
    settings.MEDIA_SHIM = required

    shim = conf.current()

    assert shim.public_url == shim.worker_url == "https://worker.test"
    assert (shim.token_ttl, shim.service, shim.timeout) == (600, "app", 10)
    assert shim.signing_key == SigningKey("k2", SECRET)


@pytest.mark.parametrize(
    ("setting", "value", "check"),
    [
        ("WORKER_URL", "media.example.com", "E001"),
        ("WORKER_URL", "ftp://media.example.com", "E001"),
        ("WORKER_URL", "https://", "E001"),
        ("WORKER_URL", "https://[::1", "E001"),
        ("WORKER_URL", "https://host:port", "E001"),
        ("WORKER_URL", "https://host:99999", "E001"),
        ("WORKER_URL", "https://host:0", "E001"),
        ("WORKER_URL", "https://host/?a=b", "E001"),
        ("WORKER_URL", "https://host/#a", "E001"),
        ("WORKER_URL", "https://ho\u200bst", "E001"),
        ("WORKER_URL", "https://xn--a", "E001"),
        ("WORKER_URL", "https://name:word@host", "E001"),
        ("WORKER_URL", "https://name@host", "E001"),
        ("WORKER_URL", 8787, "E001"),
        ("PUBLIC_URL", "//media.example.com", "E002"),
        ("PUBLIC_URL", "https://name:word@host", "E002"),
        ("WORKER_URL", "localhost:8787", "E001"),
        ("GATEWAY_KEY", "one,two", "E003"),
        ("GATEWAY_KEY", "line\nbreak", "E003"),
        ("GATEWAY_KEY", "schlüssel", "E003"),
        ("GATEWAY_KEY", b"bytes", "E003"),
        ("TOKEN_KEYS", KEY, "E004"),
        ("TOKEN_KEYS", f":{KEY}", "E004"),
        ("TOKEN_KEYS", f"k 1:{KEY}", "E004"),
        ("TOKEN_KEYS", f"k1:{KEY},", "E004"),
        ("TOKEN_KEYS", f"k1:{KEY},k1:{KEY}", "E004"),
        ("TOKEN_KEYS", f"k1:{KEY},k2:short", "E004"),
        ("TOKEN_KEYS", "k1:" + "A" * 40, "E004"),
        ("TOKEN_KEYS", f"k1:{KEY[:-2]}!=", "E004"),
        ("TOKEN_KEYS", "k1:" + "é" * 43, "E004"),
        ("TOKEN_KEYS", f"k1:{KEY}=", "E004"),
        ("TOKEN_KEYS", f"k1:{KEY[:-2]}Z=", "E004"),
        ("TOKEN_KEYS", {"k1": KEY}, "E004"),
        ("TOKEN_TTL", 0, "E005"),
        ("TOKEN_TTL", -1, "E005"),
        ("TOKEN_TTL", 3601, "E005"),
        ("TOKEN_TTL", "ten", "E005"),
        ("TOKEN_TTL", 1.5, "E005"),
        ("TOKEN_TTL", True, "E005"),
        ("TOKEN_TTL", [600], "E005"),
        ("SERVICE", "my app", "E006"),
        ("SERVICE", "a/b", "E006"),
        ("SERVICE", 7, "E006"),
        ("TENANT", "nowhere.at.all", "E007"),
        ("TENANT", f"{__name__}.not_a_function", "E007"),
        ("TENANT", conf.no_tenant, "E007"),
        ("ATTACH_RESOLVER", "undotted", "E008"),
        ("VIEWABLE", f"{__name__}.missing", "E009"),
        ("TIMEOUT", 0, "E010"),
        ("TIMEOUT", "soon", "E010"),
        ("TIMEOUT", float("nan"), "E010"),
        ("TIMEOUT", float("inf"), "E010"),
        ("TOKEN_TLT", 600, "E011"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(
    settings: Any, shim_settings: Any, setting: str, value: object, check: str
) -> None:
    settings.MEDIA_SHIM = shim_settings | {setting: value}

    (message,) = checks.check_settings(None)

    assert message.id == f"media_shim.{check}"
    assert message.msg.startswith(f"MEDIA_SHIM.{setting} ")
    assert message.is_serious()
    if setting in ("GATEWAY_KEY", "TOKEN_KEYS"):
        assert KEY not in message.msg
        assert str(value) not in message.msg
    with pytest.raises(CommandError, match=setting):
        call_command("check")
    with pytest.raises(NotConfigured) as caught:
        conf.current()
    assert caught.value.setting == f"MEDIA_SHIM.{setting}"


@pytest.mark.parametrize(
    ("setting", "check"), [("WORKER_URL", "W001"), ("GATEWAY_KEY", "W003"), ("TOKEN_KEYS", "W004")]
)
@pytest.mark.parametrize("nothing", [None, ""])
def test_what_is_not_set_yet_is_a_warning_that_says_what_to_write(
    settings: Any, shim_settings: Any, setting: str, check: str, nothing: object
) -> None:
    settings.MEDIA_SHIM = shim_settings | {setting: nothing}

    (message,) = checks.check_settings(None)

    assert message.id == f"media_shim.{check}"
    assert message.hint
    assert not message.is_serious()


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("from media_shim.conf import nothing", "ImportError: cannot import name 'nothing'"),
        ("raise RuntimeError('not yet')", "RuntimeError: not yet"),
        ("this is no Python", "SyntaxError: "),
    ],
)
def test_why_a_function_cannot_be_imported_is_told_to_whoever_has_the_machine_alone(
    settings: Any,
    shim_settings: Any,
    as_alice: Browser,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    error: str,
) -> None:
    """What Python says of it has the machine's paths in it."""
    (tmp_path / "broken_hooks.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    settings.MEDIA_SHIM = shim_settings | {"TENANT": "broken_hooks.tenant"}

    answer = as_alice.send("/api/media/sign-upload", PICTURE)

    (message,) = checks.check_settings(None)
    assert message.msg.startswith(f"MEDIA_SHIM.TENANT cannot be imported: {error}")
    assert answer.status_code == 503
    assert answer.json()["error"] == "MEDIA_SHIM.TENANT cannot be imported."


def test_everything_that_is_wrong_is_named_at_once(settings: Any) -> None:
    settings.MEDIA_SHIM = {"TOKEN_TTL": 0, "SERVICE": "", "WORKER_URL": "nowhere"}

    assert found() == [
        "media_shim.E001",
        "media_shim.W003",
        "media_shim.W004",
        "media_shim.E005",
    ]


def test_settings_that_are_no_dict_are_named(settings: Any) -> None:
    settings.MEDIA_SHIM = ["WORKER_URL"]

    assert checks.check_settings(None)[0].msg == "MEDIA_SHIM must be a dict."


def test_every_setting_has_a_number_and_a_hint() -> None:
    assert checks.NUMBERS.keys() == checks.HINTS.keys()
    assert len(set(checks.NUMBERS.values())) == len(checks.NUMBERS)


def test_secrets_do_not_show() -> None:
    shown = repr(conf.current())

    assert "dev-gateway-key" not in shown
    assert repr(SECRET) not in shown
    assert KEY not in shown


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"GATEWAY_KEY": "dev-gateway-key"}, "GATEWAY_KEY"),
        ({"TOKEN_KEYS": f"k1:{DEVELOPMENT_KEY}"}, "TOKEN_KEYS"),
        ({"TOKEN_KEYS": f"k2:{KEY},k1:{DEVELOPMENT_KEY}"}, "TOKEN_KEYS"),
        ({"WORKER_URL": "http://worker.test"}, "WORKER_URL"),
        ({"PUBLIC_URL": "http://media.test"}, "PUBLIC_URL"),
        ({"GATEWAY_KEY": "A" * 21}, "GATEWAY_KEY"),
    ],
)
@pytest.mark.parametrize("debug", [True, False])
def test_what_is_fine_on_a_laptop_is_refused_in_a_deployment(
    settings: Any, shim_settings: Any, changes: dict[str, object], named: str, debug: bool
) -> None:
    settings.MEDIA_SHIM = shim_settings | {"GATEWAY_KEY": OWN_KEY} | changes
    settings.DEBUG = debug

    assert checks.check_settings(None) == []
    (message,) = checks.check_deployment(None)
    assert message.msg.startswith(f"MEDIA_SHIM.{named} ")
    with pytest.raises(CommandError, match=named):
        call_command("check", deploy=True)


def test_an_address_that_is_used_for_both_is_named_once(settings: Any, shim_settings: Any) -> None:
    del shim_settings["PUBLIC_URL"]
    settings.MEDIA_SHIM = shim_settings | {"GATEWAY_KEY": OWN_KEY, "WORKER_URL": "http://a.test/m"}

    (message,) = checks.check_deployment(None)

    assert message.msg.startswith("MEDIA_SHIM.WORKER_URL ")
    assert message.hint == '"WORKER_URL": "https://a.test/m"'


def test_a_deployment_without_a_required_setting_fails(settings: Any, shim_settings: Any) -> None:
    settings.MEDIA_SHIM = shim_settings | {"GATEWAY_KEY": "", "TOKEN_KEYS": None}

    (message,) = checks.check_deployment(None)

    assert message.id == "media_shim.E016"
    assert message.msg.startswith("MEDIA_SHIM has no GATEWAY_KEY, TOKEN_KEYS:")
    call_command("check")
    with pytest.raises(CommandError, match="E016"):
        call_command("check", deploy=True)


@pytest.mark.parametrize(
    ("setting", "value", "write"),
    [
        ("WORKER_URL", "media.example.com", '"WORKER_URL": "https://media.example.com"'),
        (
            "PUBLIC_URL",
            "media.example.com:8443/",
            '"PUBLIC_URL": "https://media.example.com:8443/"',
        ),
        ("WORKER_URL", "localhost:8787", '"WORKER_URL": "http://localhost:8787"'),
        ("WORKER_URL", "127.0.0.1:8787", '"WORKER_URL": "http://127.0.0.1:8787"'),
        ("TENANT", conf.no_tenant, '"TENANT": "media_shim.conf.no_tenant"'),
        ("TOKEN_TLT", 600, "TOKEN_TTL, if that is what you mean."),
        ("token_ttl", 600, "TOKEN_TTL, if that is what you mean."),
        ("Worker-Url", "https://a.test", "WORKER_URL, if that is what you mean."),
    ],
)
def test_what_to_write_is_said_where_that_can_be_known(
    settings: Any, shim_settings: Any, setting: str, value: object, write: str
) -> None:
    settings.MEDIA_SHIM = shim_settings | {setting: value}

    (message,) = checks.check_settings(None)

    assert message.hint == write


def test_nothing_is_guessed_of_a_name_like_no_other(settings: Any, shim_settings: Any) -> None:
    settings.MEDIA_SHIM = shim_settings | {"COLOUR": "blue", 7: "seven"}

    assert [message.hint for message in checks.check_settings(None)] == [None, None]


def test_a_key_without_its_id_is_called_that(settings: Any, shim_settings: Any) -> None:
    settings.MEDIA_SHIM = shim_settings | {"TOKEN_KEYS": "A" * 43}

    (message,) = checks.check_settings(None)

    assert "must be kid:key entries" in message.msg


def test_production_settings_pass(settings: Any, shim_settings: Any) -> None:
    settings.MEDIA_SHIM = shim_settings | {"GATEWAY_KEY": OWN_KEY, "TOKEN_KEYS": TOKEN_KEYS}

    assert checks.check_deployment(None) == []
