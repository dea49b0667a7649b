"""`wrangler dev` on the local runtime, as a process group that comes and goes as one.

`wrangler.toml` stays what is deployed. What a laptop needs is added here and nowhere else: the
flags that let workerd take the local Pyodide bundle, the folder of its state, and the address at
which its own S3 endpoint is reached.
"""

import hashlib
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from runtime.bundle import ensure_bundle
from runtime.process import ROOT, Process, run

BIN = ROOT / "node_modules" / ".bin"
MIGRATIONS = ROOT / "worker" / "migrations"

DEVELOPMENT_FLAGS = ("python_workers_development", "experimental")


@dataclass(frozen=True)
class LocalWorker:
    """How one local Worker is started.

    Attributes:
        port: where it listens on 127.0.0.1.
        state: the folder of R2's and D1's state, shared by Workers that share files.
        config: its configuration.
        variables: settings that this start overrides.
        env_file: where its settings and secrets are; `.dev.vars` beside the configuration if
            None.
        registry: the folder in which Workers find their service bindings; the user's own if None.
    """

    port: int
    state: Path
    config: Path = ROOT / "wrangler.toml"
    variables: Mapping[str, str] = field(default_factory=dict)
    env_file: Path | None = None
    registry: Path | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def flags(self) -> Sequence[str]:
        """The compatibility flags of its configuration."""
        flags: list[str] = tomllib.loads(self.config.read_text()).get("compatibility_flags", [])
        return flags

    def command(self) -> list[str]:
        """Return the command line."""
        variables = {
            "MEDIA_PUBLIC_URL": self.url,
            "R2_S3_ENDPOINT": f"{self.url}/cdn-cgi/local/r2/s3",
            **self.variables,
        }
        return [
            str(BIN / "wrangler"),
            "dev",
            f"--config={self.config}",
            f"--port={self.port}",
            "--ip=127.0.0.1",
            f"--persist-to={self.state}",
            "--infer-origin-from-routes=false",
            "--inspector-port=0",
            "--show-interactive-dev-session=false",
            "--test-scheduled",
            # Those on the command line replace those of the configuration.
            *(f"--compatibility-flags={flag}" for flag in (*self.flags(), *DEVELOPMENT_FLAGS)),
            *(f"--var={name}:{value}" for name, value in variables.items()),
            *([] if self.env_file is None else [f"--env-file={self.env_file}"]),
        ]


def environment() -> dict[str, str]:
    """Return the environment in which Wrangler finds Node, workerd and the bundle."""
    bundle = ensure_bundle(ROOT / "node_modules" / "pyodide", ROOT / ".tools" / "bundles")
    return {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "MINIFLARE_WORKERD_PATH": str(ROOT / "worker" / "runtime" / "workerd"),
        "LOCAL_WORKERD": str(ROOT / "node_modules" / "workerd" / "bin" / "workerd"),
        "LOCAL_PYODIDE_BUNDLE": str(bundle),
        "CLOUDFLARE_CF_FETCH_ENABLED": "false",
        "WRANGLER_SEND_METRICS": "false",
        # Wrangler would otherwise trace every request, at half again its price.
        "X_LOCAL_OBSERVABILITY": "false",
        "NO_COLOR": "1",
        "CI": "1",
    }


def migrate(state: Path) -> None:
    """Bring the local D1 database up to date; do nothing when it is.

    Args:
        state: the folder of the local state.

    Raises:
        StartError: a migration failed.
    """
    digest = hashlib.sha256()
    for migration in sorted(MIGRATIONS.glob("*.sql")):
        digest.update(migration.name.encode() + b"\0" + migration.read_bytes())
    stamp = state / f".migrated-{digest.hexdigest()[:12]}"
    if stamp.exists():
        return
    apply = ("d1", "migrations", "apply", "DB", "--local", f"--persist-to={state}")
    run("migrating D1", [str(BIN / "wrangler"), *apply], environment())
    stamp.touch()


def start(worker: LocalWorker, log: IO[bytes] | None = None) -> Process:
    """Start a Worker on the local runtime. Its database is migrated first.

    Raises:
        StartError: a migration failed.
        BundleError: the bundle cannot be built.
    """
    worker.state.mkdir(parents=True, exist_ok=True)
    migrate(worker.state)
    env = environment()
    if worker.registry is not None:
        env["WRANGLER_REGISTRY_PATH"] = str(worker.registry)
    return Process(worker.command(), env, log)
