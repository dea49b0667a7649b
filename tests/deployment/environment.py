"""The variables of a deployment, and the demo's commands under them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from runtime.process import ROOT

SHIM: Final = ROOT / "backend_shim"
DEPLOY: Final = SHIM / "deploy"

PRODUCTION: Final = {
    "SECRET_KEY": "N0t-pub1ished-and-l0ng-enough-for-Django-to-be-content-with",
    "ALLOWED_HOSTS": "app.example.com, www.example.com",
    "DATABASE_URL": "postgresql://media:secret@127.0.0.1:1/media",
    "MEDIA_WORKER_URL": "https://media.example.com",
    "MEDIA_GATEWAY_KEY": "a-secret-of-these-two-alone",
    "MEDIA_TOKEN_KEYS": "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY",
    "BEHIND_PROXY": "1",
}


def environment(variables: dict[str, str], **changed: str) -> dict[str, str]:
    """Return a whole environment in which a process of the deployed demo runs."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(SHIM),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DJANGO_SETTINGS_MODULE": "demo.production",
        **variables,
        **changed,
    }


def manage(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the demo's commands to its end."""
    return python(env, str(SHIM / "manage.py"), *arguments)


def python(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python to its end."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=SHIM,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def explained() -> dict[str, str]:
    """Return the variables of `.env.example`, the commented ones too, with their values."""
    lines = (DEPLOY / ".env.example").read_text().splitlines()
    pairs = (line.removeprefix("# ").partition("=") for line in lines)
    return {name: value for name, equals, value in pairs if equals and name.isupper()}
