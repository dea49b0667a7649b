"""Files that go, or stop being public, everywhere: through workerd, its queue and a failing API.

The API is a stand-in on this machine. The Worker repeats a purge after two seconds instead of a
minute, and retries after one.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from tests.cloudflare_api import API_TOKEN, FAILURES, ZONE_ID, CloudflareApi, Failure
from tests.conftest import ENV_FILE, RunningWorker, RunWorker
from tests.media import JPEG
from tests.servers import serving
from tests.worker.caller import Caller, headers_of
from tests.worker.patience import eventually
from tests.worker.state import cut_off_delete, grow_older, kept
from tests.worker.tokens import file_url

HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Zone:
    """A Worker whose zone is purged through an API on this machine.

    Attributes:
        api: the API.
        worker: the Worker.
        alice: a user of it.
    """

    api: CloudflareApi
    worker: RunningWorker
    alice: Caller

    def purged(self, file: dict[str, Any], times: int = 1) -> bool:
        """Wait until a file was purged so often, and the API is well; say whether it was.

        Two purges of a file that were retried can meet in one call.
        """
        for _ in eventually():
            if self.api.tags.count(tag(file)) >= times and not self.api.fails:
                return True
        return False

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of the Worker's log about an event."""
        lines = self.worker.log.read_text().splitlines()
        return [json.loads(line) for line in lines if f'"event":"{event}"' in line]


def tag(file: dict[str, Any]) -> str:
    return "m-" + str(file["mediaId"]).removeprefix("media_")


@pytest.fixture(scope="module")
def zone(
    run_worker: RunWorker, http: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Zone]:
    folder = tmp_path_factory.mktemp("zone")
    env_file = folder / "secrets"
    env_file.write_text(f"{ENV_FILE.read_text()}\nCLOUDFLARE_API_TOKEN={API_TOKEN}\n")
    api = CloudflareApi()
    with serving(api) as url:
        variables = {
            "CLOUDFLARE_API_URL": f"{url}/client/v4",
            "CLOUDFLARE_ZONE_ID": ZONE_ID,
            "PURGE_REPEAT_SECONDS": "2",
            "PURGE_RETRY_SECONDS": "1",
        }
        with run_worker(env_file=env_file, registry=folder, variables=variables) as worker:
            yield Zone(api, worker, Caller(http, worker.url, headers_of("alice", "acme")))


def opened(caller: Caller, file: dict[str, Any], method: str = "GET") -> int:
    return httpx.request(method, file_url(caller.url, file["key"])).status_code


def test_a_worker_with_a_zone_is_well(zone: Zone) -> None:
    assert httpx.get(f"{zone.worker.url}/health").json()["problems"] == []


def test_a_deleted_file_is_gone_here_at_once_and_purged_everywhere_twice(zone: Zone) -> None:
    file = zone.alice.upload(JPEG)
    assert opened(zone.alice, file) == 200
    answer = zone.alice.delete(file["mediaId"])
    assert answer.status_code == 200
    assert answer.json() == {"mediaId": file["mediaId"], "deleted": True}
    assert (opened(zone.alice, file), opened(zone.alice, file, "HEAD")) == (410, 410)
    assert httpx.get(f"{zone.alice.url}/m/{file['key']}").json()["code"] == "TOKEN_MISSING"
    now = kept(zone.worker.state)
    assert now.objects[file["key"]] == 0, "a tombstone, while its URL lives"
    assert now.rows[file["key"]]["purge_due_at"] is None
    assert zone.purged(file, 2)


def test_a_public_file_that_is_deleted_is_gone_for_everybody(zone: Zone) -> None:
    file = zone.alice.upload(JPEG, visibility="public")
    url = f"{zone.alice.url}/m/{file['key']}"
    assert httpx.get(url).status_code == 200
    assert zone.alice.delete(file["mediaId"]).status_code == 200
    gone = httpx.get(url)
    assert (gone.status_code, gone.json()["code"]) == (410, "MEDIA_GONE")
    assert opened(zone.alice, file) == 410


def test_an_old_file_leaves_nothing_but_its_row(zone: Zone) -> None:
    file = zone.alice.upload(JPEG)
    grow_older(zone.worker.state, [file["key"]], 3 * HOUR_MS)
    assert zone.alice.delete(file["mediaId"]).status_code == 200
    now = kept(zone.worker.state)
    assert now.rows[file["key"]]["status"] == "gone"
    assert file["key"] not in now.objects
    assert opened(zone.alice, file) == 410
    assert zone.purged(file, 2)


def test_the_upload_url_of_a_deleted_file_stores_nothing(zone: Zone) -> None:
    signed = zone.alice.presigned(len(JPEG))
    zone.alice.put(signed, JPEG)
    zone.alice.complete(signed["mediaId"])
    zone.alice.delete(signed["mediaId"])
    assert zone.alice.put(signed, JPEG).status_code == 412
    assert zone.alice.complete(signed["mediaId"]).json()["code"] == "MEDIA_GONE"


def test_an_upload_that_is_deleted_before_it_was_sent_cannot_be_sent(zone: Zone) -> None:
    signed = zone.alice.presigned(len(JPEG))
    assert zone.alice.delete(signed["mediaId"]).status_code == 200
    assert zone.alice.put(signed, JPEG).status_code == 412
    assert kept(zone.worker.state).rows[signed["key"]]["status"] == "expired"


def test_of_deletes_at_the_same_time_all_say_the_same(zone: Zone) -> None:
    file = zone.alice.upload(JPEG)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(zone.alice.delete, [file["mediaId"]] * 8))
    assert {(answer.status_code, answer.text) for answer in answers} == {
        (200, json.dumps({"mediaId": file["mediaId"], "deleted": True}, separators=(",", ":")))
    }
    assert kept(zone.worker.state).rows[file["key"]]["purge_due_at"] is None


def test_a_file_that_stops_being_public_needs_a_token_and_is_purged(zone: Zone) -> None:
    file = zone.alice.upload(JPEG, visibility="public")
    url = f"{zone.alice.url}/m/{file['key']}"
    assert httpx.get(url).status_code == 200
    answer = zone.alice.show_to(file["mediaId"], "private")
    assert (answer.status_code, answer.json()) == (200, {**file, "visibility": "private"})
    assert httpx.get(url).status_code == 401
    assert opened(zone.alice, file) == 200
    assert zone.purged(file, 2)
    assert zone.alice.show_to(file["mediaId"], "public").json() == file
    assert httpx.get(url).content == JPEG


@pytest.mark.parametrize("failure", [*FAILURES, "silence"])
def test_while_the_api_fails_files_are_deleted_all_the_same_and_purged_in_the_end(
    zone: Zone, failure: Failure
) -> None:
    file = zone.alice.upload(JPEG, visibility="public")
    zone.api.fails.extend([failure] * 2)
    refused = len(zone.lines("media.purge.refused"))
    assert zone.alice.delete(file["mediaId"]).status_code == 200
    assert opened(zone.alice, file) == 410
    assert httpx.get(f"{zone.alice.url}/m/{file['key']}").status_code == 410
    assert zone.purged(file)
    told = zone.lines("media.purge.refused")[refused:]
    assert len(told) >= 2
    assert all(line["level"] == "error" and line["advice"] for line in told)


def test_an_api_that_never_answers_is_given_up_and_tried_again(zone: Zone) -> None:
    file = zone.alice.upload(JPEG)
    zone.api.fails.append("hang")
    assert zone.alice.delete(file["mediaId"]).status_code == 200
    assert zone.purged(file)
    assert any(line["status"] is None for line in zone.lines("media.purge.refused"))


def test_a_token_that_may_not_is_said_to_be_what_is_wrong(zone: Zone) -> None:
    file = zone.alice.upload(JPEG)
    zone.api.fails.append("403")
    zone.alice.delete(file["mediaId"])
    assert zone.purged(file)
    refused = [line for line in zone.lines("media.purge.refused") if line["status"] == 403]
    assert refused[-1]["codes"] == [10000]
    assert "CLOUDFLARE_API_TOKEN" in refused[-1]["advice"]


def test_files_that_are_deleted_together_share_a_call(zone: Zone) -> None:
    files = [zone.alice.upload(JPEG) for _ in range(12)]
    calls = len(zone.api.calls)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(zone.alice.delete, [file["mediaId"] for file in files]))
    assert {answer.status_code for answer in answers} == {200}
    assert all(zone.purged(file) for file in files)
    assert len(zone.api.calls) - calls < len(files)


def test_what_the_cron_takes_away_is_purged_too(zone: Zone) -> None:
    signed = zone.alice.presigned(len(JPEG))
    zone.alice.put(signed, JPEG)
    grow_older(zone.worker.state, [signed["key"]], 26 * HOUR_MS)
    clean(zone)
    assert kept(zone.worker.state).rows[signed["key"]]["status"] == "gone"
    assert zone.purged(signed, 2)


def test_a_delete_that_ended_after_its_first_step_is_finished_by_the_cron(zone: Zone) -> None:
    file = zone.alice.upload(JPEG, visibility="public")
    cut_off_delete(zone.worker.state, file["key"])
    assert httpx.get(f"{zone.alice.url}/m/{file['key']}").status_code == 410
    clean(zone)
    now = kept(zone.worker.state)
    assert now.objects[file["key"]] == 0
    assert (now.rows[file["key"]]["status"], now.rows[file["key"]]["purge_due_at"]) == (
        "deleting",
        None,
    )
    assert opened(zone.alice, file) == 410
    assert zone.purged(file, 2)
    grow_older(zone.worker.state, [file["key"]], 3 * HOUR_MS)
    clean(zone)
    now = kept(zone.worker.state)
    assert now.rows[file["key"]]["status"] == "gone"
    assert file["key"] not in now.objects


def clean(zone: Zone) -> None:
    httpx.get(f"{zone.worker.url}/cdn-cgi/handler/scheduled", timeout=60).raise_for_status()


def test_the_token_of_the_api_is_in_no_line_of_the_log(zone: Zone) -> None:
    """It comes last: the API has failed in every way by now, and once repeated what it was sent."""
    assert zone.lines("media.purge")
    assert zone.lines("media.purge.refused")
    assert API_TOKEN not in zone.worker.log.read_text()


# Without a zone, as on a laptop: everything but the purge.


def test_without_a_zone_a_file_is_deleted_and_nothing_is_queued(
    worker: RunningWorker, alice: Caller
) -> None:
    file = alice.upload(JPEG)
    assert alice.delete(file["mediaId"]).status_code == 200
    assert opened(alice, file) == 410
    assert kept(worker.state).rows[file["key"]]["purge_due_at"] is None
    assert '"event":"media.purge' not in worker.log.read_text()


@pytest.mark.parametrize(
    ("user", "tenant"), [("alice", "globex"), ("alice", "ACME"), ("alice", None), ("acme", None)]
)
def test_another_scope_deletes_and_changes_nothing(
    alice: Caller, worker: RunningWorker, user: str, tenant: str | None
) -> None:
    file = alice.upload(JPEG, visibility="public")
    before = kept(worker.state)
    stranger = replace(alice, headers=headers_of(user, tenant))
    for answer in (stranger.delete(file["mediaId"]), stranger.show_to(file["mediaId"], "private")):
        assert (answer.status_code, answer.json()["code"]) == (404, "MEDIA_NOT_FOUND")
    assert kept(worker.state) == before


def test_what_a_shim_manages_is_left_to_it(alice: Caller, worker: RunningWorker) -> None:
    shim = replace(alice, headers={**alice.headers, "x-media-shim": "backend"})
    file = shim.upload(JPEG, visibility="public")
    assert file["managedBy"] == "backend"
    before = kept(worker.state)
    for answer in (alice.delete(file["mediaId"]), alice.show_to(file["mediaId"], "private")):
        assert (answer.status_code, answer.json()["code"]) == (409, "MEDIA_MANAGED")
    assert kept(worker.state) == before
    assert shim.show_to(file["mediaId"], "private").status_code == 200
    assert shim.delete(file["mediaId"]).status_code == 200
    assert opened(alice, file) == 410
