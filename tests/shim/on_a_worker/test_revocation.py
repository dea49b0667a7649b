"""Taking away the right to see a file, as far as the Worker's answers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User

from media_shim import client, conf
from media_shim.testing import PNG, make_media
from runtime.dev import read_variables
from tests.conftest import ENV_FILE, RunningWorker
from tests.shim.conftest import Browser
from tests.worker.patience import eventually


@pytest.mark.usefixtures("_followers")
def test_a_revoked_follower_loses_the_file_when_their_last_url_ends(
    as_bob: Browser, alice: User, bob: User, settings: Any, worker: RunningWorker
) -> None:
    """On the real Worker: what was minted opens until it ends, and nothing is minted any more."""
    settings.MEDIA_SHIM = settings.MEDIA_SHIM | {
        "WORKER_URL": worker.url,
        "PUBLIC_URL": worker.url,
        "TOKEN_KEYS": read_variables(ENV_FILE)["MEDIA_TOKEN_KEYS"],
        "TOKEN_TTL": 4,
    }
    media = make_media(alice)
    answer = as_bob.get("/api/media/url", {"key": media.key}).json()
    ends = datetime.fromisoformat(answer["urlExpiresAt"])

    bob.groups.clear()

    refused = as_bob.get("/api/media/refresh", {"key": media.key})
    assert (refused.status_code, refused.json()["code"]) == (404, "MEDIA_NOT_FOUND")
    assert httpx.get(answer["url"]).content == PNG
    for _ in eventually():
        opened = httpx.get(answer["url"])
        if opened.status_code != 200:
            break
        assert datetime.now(UTC) < ends + timedelta(seconds=1)
    assert (opened.status_code, opened.json()["code"]) == (401, "TOKEN_EXPIRED")
    assert httpx.get(answer["url"].partition("?")[0]).status_code == 401
    client.worker(conf.current()).close()
