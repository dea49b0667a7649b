"""compose.yaml: it can be read, bakes in no secret, and says how each process is and ends.

Where Docker's own tool is there, it reads the file, too.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from runtime.process import ROOT
from tests.deployment.environment import DEPLOY, PRODUCTION, explained

COMPOSE: Final = DEPLOY / "compose.yaml"

KNOWN: Final = {
    "build", "cap_drop", "command", "depends_on", "environment", "healthcheck", "image", "init",
    "ports", "read_only", "restart", "security_opt", "stop_grace_period", "stop_signal", "tmpfs",
    "volumes",
}  # fmt: skip
"""What the file says of a service: members of the Compose Specification."""

CONDITIONS: Final = {"service_healthy", "service_completed_successfully"}


class OnceOnly(yaml.SafeLoader):
    """Refuses a name that is written twice, of which YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [name.value for name, _ in node.value if name.value != "<<"]
        assert len(names) == len(set(names)), f"twice in {node.start_mark}: {names}"
        return super().construct_mapping(node, deep)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.load(COMPOSE.read_text(), Loader=OnceOnly)
    return read


def test_it_says_of_a_service_what_compose_knows(compose: dict[str, Any]) -> None:
    assert compose.keys() == {"name", "x-demo", "services", "volumes"}
    assert compose["services"].keys() == {"database", "migrate", "app", "outbox"}
    for service in compose["services"].values():
        assert service.keys() <= KNOWN
        for name, awaited in service.get("depends_on", {}).items():
            assert name in compose["services"]
            assert awaited["condition"] in CONDITIONS
    assert compose["volumes"].keys() == {"database"}


def test_every_process_says_how_it_is_and_is_started_again(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["healthcheck"].keys() & {"test", "disable"}
        assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")


def test_what_it_is_told_is_explained_and_what_it_must_be_told_has_no_default(
    compose: dict[str, Any],
) -> None:
    names = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text()))
    assert names <= explained().keys()

    told = {**compose["x-demo"]["environment"], **compose["services"]["database"]["environment"]}
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD", "MEDIA_GATEWAY_KEY", "MEDIA_TOKEN_KEYS"):
        assert re.fullmatch(rf"\$\{{{name}:\?[^}}]+\}}", told[name])
    for service in ("migrate", "app", "outbox"):
        assert compose["services"][service]["environment"] == compose["x-demo"]["environment"]


def test_the_image_is_made_of_what_is_there() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()

    sources = re.findall(r"^COPY (?!--from)(\S+) \S+$", dockerfile, re.MULTILINE)
    assert sources == ["requirements/demo.txt", "backend_shim", "web"]
    admitted = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert {f"!{source}" for source in sources} <= set(admitted)
    for source in sources:
        assert (ROOT / source).exists()
    for told in re.findall(r'"(deploy/[^"]+)"', dockerfile + COMPOSE.read_text()):
        assert (ROOT / "backend_shim" / told).exists()


def test_it_is_read_by_dockers_own_tool(tmp_path: Path) -> None:
    if not _has_docker_compose():
        pytest.skip("no docker compose to read compose.yaml with: what it says was checked here")
    values = tmp_path / ".env"
    values.write_text("".join(f"{name}={value}\n" for name, value in PRODUCTION.items()))
    command = [
        "docker",
        "compose",
        "--file",
        str(COMPOSE),
        "--env-file",
        str(values),
        "config",
        "-q",
    ]

    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "POSTGRES_PASSWORD" in said.stderr

    with values.open("a") as more:
        more.write("POSTGRES_PASSWORD=secret\n")
    subprocess.run(command, check=True)


def _has_docker_compose() -> bool:
    if shutil.which("docker") is None:
        return False
    asked = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return asked.returncode == 0
