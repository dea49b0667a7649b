"""What the deployed demo is told: all of it is explained, and what is missing or wrong is named."""

import json
from typing import Final

import pytest

from tests.deployment.environment import (
    DEPLOY,
    PRODUCTION,
    environment,
    explained,
    manage,
    python,
)

WATCH: Final = """
import json, os, runpy, sys

class Watched(dict):
    read = set()
    def get(self, name, default=None):
        self.read.add(name)
        return super().get(name, default)
    def __getitem__(self, name):
        self.read.add(name)
        return super().__getitem__(name)

os.environ = Watched(os.environ)
for path in sys.argv[1:]:
    runpy.run_path(path, run_name="watched") if path.endswith(".py") else __import__(path)
print(json.dumps(sorted(Watched.read)))
"""

OF_COMPOSE: Final = {"POSTGRES_PASSWORD", "PUBLISH"}
"""What compose.yaml alone reads."""


def read_by(variables: dict[str, str], *what: str) -> set[str]:
    """Return the variables that are read by modules and files when there are these."""
    watched = python(environment(variables), "-c", WATCH, *what)
    assert watched.returncode == 0, watched.stderr
    return set(json.loads(watched.stdout))


def test_every_variable_that_is_read_is_explained_and_no_other() -> None:
    deployed = read_by(PRODUCTION, "demo.production", str(DEPLOY / "gunicorn.conf.py"))
    on_a_laptop = read_by({}, "demo.settings")

    assert deployed | on_a_laptop | OF_COMPOSE == explained().keys()


def test_the_example_has_no_secret() -> None:
    values = explained()

    for name in ("SECRET_KEY", "POSTGRES_PASSWORD", "MEDIA_GATEWAY_KEY", "MEDIA_TOKEN_KEYS"):
        assert values[name] == ""


def test_a_deployment_as_it_should_be_has_nothing_to_mend() -> None:
    checked = manage(environment(PRODUCTION), "check", "--deploy", "--fail-level=INFO")

    assert checked.returncode == 0, checked.stderr
    assert "no issues (2 silenced)" in checked.stdout


def test_everything_that_is_missing_is_named_at_once() -> None:
    checked = manage(environment({}, SECRET_KEY=""), "check")

    assert checked.returncode != 0
    assert checked.stderr.splitlines()[-1].endswith(
        "set SECRET_KEY, ALLOWED_HOSTS, DATABASE_URL, MEDIA_WORKER_URL, MEDIA_GATEWAY_KEY, "
        "MEDIA_TOKEN_KEYS: see backend_shim/deploy/.env.example"
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SECRET_KEY", "short", "security.W009"),
        ("DATABASE_URL", "mysql://media:hunter2@db/media", "postgresql://user:password@host"),
        ("DATABASE_URL", "postgresql://media:hunter2@db:port/media", "postgresql://user:password"),
        ("DATABASE_URL", "postgresql://media:hunter2@db/", "postgresql://user:password@host"),
        ("MEDIA_WORKER_URL", "media.example.com", "media_shim.E001"),
        ("MEDIA_WORKER_URL", "http://media.example.com", "media_shim.E013"),
        ("MEDIA_GATEWAY_KEY", "dev-gateway-key", "media_shim.E012"),
        ("MEDIA_GATEWAY_KEY", "one,two", "media_shim.E003"),
        ("MEDIA_TOKEN_KEYS", "k1:short", "media_shim.E004"),
        ("MEDIA_TOKEN_TTL", "86400", "media_shim.E005"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_write(name: str, value: str, said: str) -> None:
    env = environment(PRODUCTION, **{name: value})
    checked = manage(env, "check", "--deploy", "--fail-level=WARNING")

    assert checked.returncode != 0
    assert said in checked.stderr
    assert "hunter2" not in checked.stderr
