from pathlib import Path

import pytest

from runtime.dev import port_of, read_variables, shim_environment
from runtime.process import ROOT, StartError


def read(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / ".dev.vars"
    path.write_text(text)
    return read_variables(path)


def test_each_line_is_a_variable(tmp_path: Path) -> None:
    assert read(tmp_path, "A=1\nB=two words\nC=\n") == {"A": "1", "B": "two words", "C": ""}


def test_comments_and_empty_lines_are_none(tmp_path: Path) -> None:
    assert read(tmp_path, "# A=1\n\n   \n  # B=2\nC=3#4\n") == {"C": "3#4"}


def test_blanks_and_quotes_around_a_value_are_not_of_it(tmp_path: Path) -> None:
    assert read(tmp_path, " A = 1 \nB=\"two\"\nC='three'\r\n") == {
        "A": "1",
        "B": "two",
        "C": "three",
    }


def test_a_value_may_hold_what_divides_the_line(tmp_path: Path) -> None:
    assert read(tmp_path, "KEYS=k1:YWJj=,k2:ZGVm==") == {"KEYS": "k1:YWJj=,k2:ZGVm=="}


def test_the_application_shares_two_secrets_with_the_worker() -> None:
    secrets = {"MEDIA_TOKEN_KEYS": "k1:a", "GATEWAY_KEYS": "new,old", "R2_SECRET_ACCESS_KEY": "s"}
    env = shim_environment("http://127.0.0.1:8787", secrets, Path("/state"))
    assert env["MEDIA_WORKER_URL"] == "http://127.0.0.1:8787"
    assert env["MEDIA_TOKEN_KEYS"] == "k1:a"
    assert env["MEDIA_GATEWAY_KEY"] == "new", "the first of the keys, each of which is accepted"
    assert env["STATE_DIR"] == "/state"
    assert "R2_SECRET_ACCESS_KEY" not in env


def test_the_example_has_all_that_the_application_needs() -> None:
    secrets = read_variables(ROOT / ".dev.vars.example")
    assert shim_environment("http://127.0.0.1:8787", secrets, Path("/state"))[
        "MEDIA_GATEWAY_KEY"
    ] == ("dev-gateway-key")


@pytest.mark.parametrize("name", ["MEDIA_TOKEN_KEYS", "GATEWAY_KEYS"])
def test_a_secret_that_is_not_there_is_named(name: str) -> None:
    secrets = {"MEDIA_TOKEN_KEYS": "k1:YWJj", "GATEWAY_KEYS": "a", name: ""}
    with pytest.raises(StartError, match=f"{name} is not in .dev.vars"):
        shim_environment("http://127.0.0.1:1", secrets, ROOT)


@pytest.mark.parametrize("value", ["http", "0", "65536", "-1", "80.5", "٨"])
def test_what_is_no_port_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("WORKER_PORT", value)
    with pytest.raises(StartError, match=r"WORKER_PORT is .*WORKER_PORT=8788"):
        port_of("WORKER_PORT", 8787)


@pytest.mark.parametrize(("value", "port"), [("9000", 9000), ("", 8787)])
def test_a_port_is_chosen_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, value: str, port: int
) -> None:
    monkeypatch.setenv("WORKER_PORT", value)
    assert port_of("WORKER_PORT", 8787) == port
