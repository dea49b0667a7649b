"""`lib/media.ts` on its own: for Express, or for no framework at all."""

import subprocess
from pathlib import Path
from typing import Final

import jwt

from runtime.dev import read_variables
from tests.backends.backend import NODE
from tests.backends.document import program
from tests.conftest import ENV_FILE

SECRETS: Final = read_variables(ENV_FILE)
SETTINGS: Final = {
    "MEDIA_WORKER_URL": "http://worker.test",
    "MEDIA_PUBLIC_URL": "https://media.test",
    "MEDIA_GATEWAY_KEY": SECRETS["GATEWAY_KEYS"],
    "MEDIA_TOKEN_KEYS": SECRETS["MEDIA_TOKEN_KEYS"],
}

ADDRESS: Final = """\
import { Media } from "./media.ts";

const file = { key: "u/alice/app/a b.jpg", visibility: "private", status: "committed" };
const files = { find: async () => file, sees: async () => true };
console.log((await new Media(process.env, files).url({ id: "alice" }, file.key)).url);
"""


def run(folder: Path, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    (folder / "media.ts").write_text(program("lib/media.ts"), encoding="utf-8")
    (folder / "address.mjs").write_text(ADDRESS)
    return subprocess.run(
        [NODE, "address.mjs"], cwd=folder, env=settings, capture_output=True, text=True, check=False
    )


def test_node_runs_it_without_a_compiler(tmp_path: Path) -> None:
    done = run(tmp_path, SETTINGS)

    assert done.returncode == 0, done.stderr
    url, _, token = done.stdout.strip().partition("?t=")
    assert url == "https://media.test/m/u/alice/app/a%20b.jpg"
    assert jwt.decode(token, options={"verify_signature": False})["key"] == "u/alice/app/a b.jpg"


def test_a_setting_that_is_missing_is_named(tmp_path: Path) -> None:
    for name in SETTINGS:
        done = run(tmp_path, {**SETTINGS, name: ""})

        assert done.returncode != 0
        assert f"{name} is not set." in done.stderr


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, {**SETTINGS, "MEDIA_TOKEN_KEYS": "k1:c2hvcnQ"})

    assert "no key of at least 32 bytes" in done.stderr
