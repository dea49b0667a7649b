"""A file from a URL: what servers do that should not, and where nothing is fetched from.

The Worker is told to let through the hostile server's port and nothing else of this machine, and to
ask the hostile server for addresses.
"""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from typing import Any

import httpx
import pytest

from runtime.process import ROOT
from tests.conftest import RunningWorker, RunWorker, free_port
from tests.worker.caller import headers_of
from tests.worker.hostile import PHOTO, SVG, Hostile, hostile_server, untouched_port
from tests.worker.patience import eventually
from tests.worker.state import kept
from tests.worker.tokens import file_url

TIMEOUT = 4
"""How many seconds an ingest may take here."""

VECTORS = json.loads((ROOT / "tests" / "vectors" / "addresses.json").read_text())["cases"]

_tenants = count()


@pytest.fixture(scope="module")
def hostile() -> Iterator[Hostile]:
    with hostile_server() as running:
        yield running


@pytest.fixture(scope="module")
def closed_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def ingesting(run_worker: RunWorker, hostile: Hostile, closed_port: int) -> Iterator[RunningWorker]:
    """A Worker to which the hostile server is the internet."""
    variables = {
        "INGEST_RESOLVER_URL": f"{hostile.url}/dns-query",
        "INGEST_DEVELOPMENT_HOSTS": f"{hostile.authority},127.0.0.1:{closed_port}",
        "INGEST_TIMEOUT": str(TIMEOUT),
    }
    with run_worker(variables=variables) as running:
        yield running


class Ingester:
    """Asks for files, each time for another tenant, so that no limit counts them together."""

    def __init__(self, worker: RunningWorker, hostile: Hostile, http: httpx.Client) -> None:
        self.worker = worker
        self.hostile = hostile
        self._http = http

    def ask(self, url: str, tenant: str = "", key: str = "", **fields: Any) -> httpx.Response:
        if url.startswith("/") and not url.startswith("//"):
            url = f"{self.hostile.url}{url}"
        headers = headers_of("alice", tenant or f"tenant{next(_tenants)}")
        if key:
            headers["idempotency-key"] = key
        return self._http.post(
            f"{self.worker.url}/upload/ingest-url",
            headers={**headers, "content-type": "application/json"},
            # In ASCII, which half of a surrogate pair can be written in.
            content=json.dumps({"url": url, "service": "blog", **fields}),
        )

    def file(self, url: str, **fields: Any) -> dict[str, Any]:
        answer = self.ask(url, **fields)
        assert answer.status_code == 201, answer.text
        file: dict[str, Any] = answer.json()
        return file

    def refused(self, url: str, **fields: Any) -> str:
        """Return the status and the code; nothing may be stored, or be on its way."""
        before = kept(self.worker.state)
        answer = self.ask(url, **fields)
        after = kept(self.worker.state)
        assert answer.headers["cache-control"] == "no-store"
        assert after.objects == before.objects
        statuses = {after.rows[key]["status"] for key in after.rows.keys() - before.rows.keys()}
        assert statuses <= {"rejected"}
        return f"{answer.status_code} {answer.json()['code']}"


@pytest.fixture(scope="module")
def ingest(ingesting: RunningWorker, hostile: Hostile, http: httpx.Client) -> Ingester:
    return Ingester(ingesting, hostile, http)


def content(ingest: Ingester, file: dict[str, Any]) -> httpx.Response:
    return httpx.get(file_url(ingest.worker.url, file["key"]))


def test_a_file_comes_from_a_url_and_opens_at_its_own(ingest: Ingester) -> None:
    file = ingest.file("/photo.jpg", tenant="acme", album="cats")
    assert file["key"].startswith("t/acme/blog/a/cats/")
    assert (file["status"], file["fileSize"]) == ("uploaded", len(PHOTO))
    assert (file["contentType"], file["fileName"]) == ("image/jpeg", "photo.jpg")
    seen = content(ingest, file)
    assert seen.content == PHOTO
    assert seen.headers["content-type"] == "image/jpeg"
    assert seen.headers["content-disposition"] == 'inline; filename="photo.jpg"'
    assert seen.headers["etag"] == file["etag"]
    assert not {"set-cookie", "x-secret"} & seen.headers.keys()
    state = kept(ingest.worker.state)
    assert state.rows[file["key"]]["status"] == "uploaded"
    assert state.objects[file["key"]] == len(PHOTO)


def test_an_ingest_that_names_itself_is_done_once_however_often_it_is_asked_for(
    ingest: Ingester, hostile: Hostile
) -> None:
    hostile.let_go.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ingest.ask, "/held", tenant="named", key="the-key")
        for _ in eventually():
            if "/held" in hostile.asked:
                break
        waits = ingest.ask("/held", tenant="named", key="the-key")
        assert (waits.status_code, waits.json()["code"]) == (409, "IDEMPOTENCY_KEY_IN_USE")
        assert waits.headers["retry-after"] == "5"
        other = ingest.ask("/photo.jpg", tenant="named", key="the-key")
        assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
        hostile.let_go.set()
        made = first.result()
    assert made.status_code == 201, made.text
    again = ingest.ask("/held", tenant="named", key="the-key")
    assert (again.status_code, again.text) == (201, made.text)
    assert hostile.asked.count("/held") == 1
    rows = kept(ingest.worker.state).rows
    assert len([key for key in rows if key.startswith("t/named/")]) == 1


def test_an_ingest_that_failed_may_be_asked_for_again_by_its_name(ingest: Ingester) -> None:
    for _ in range(2):
        failed = ingest.ask("/404", tenant="failed", key="the-key")
        assert failed.json()["code"] == "SOURCE_UNAVAILABLE"
    assert ingest.ask("/photo.jpg", tenant="failed", key="the-key").status_code == 201


def test_an_ingested_file_can_be_completed_again(ingest: Ingester, http: httpx.Client) -> None:
    file = ingest.file("/photo.jpg", tenant="acme")
    answer = http.patch(
        f"{ingest.worker.url}/upload/complete",
        headers=headers_of("alice", "acme"),
        json={"mediaId": file["mediaId"]},
    )
    assert answer.json() == file


def test_it_asks_once_and_says_nothing_of_anybody(ingest: Ingester) -> None:
    before = len(ingest.hostile.asked)
    ingest.file("/photo.jpg")
    assert ingest.hostile.asked[before:] == ["/photo.jpg"]


def test_a_server_that_does_not_know_its_type_is_told(ingest: Ingester) -> None:
    assert ingest.file("/blob", contentType="image/jpeg")["contentType"] == "image/jpeg"
    assert ingest.refused("/blob") == "400 UNSUPPORTED_MIME"
    assert ingest.refused("/photo.jpg", contentType="image/png") == "422 CONTENT_MISMATCH"


@pytest.mark.parametrize("path", ["/chunked", "/until-closed"])
def test_a_file_without_a_length_comes_whole(ingest: Ingester, path: str) -> None:
    file = ingest.file(path)
    assert file["fileSize"] == len(PHOTO)
    assert content(ingest, file).content == PHOTO


def test_a_compressed_file_is_stored_as_it_is_read(ingest: Ingester) -> None:
    file = ingest.file("/svg.gz")
    assert file["fileSize"] == len(SVG)
    assert content(ingest, file).content == SVG


def test_three_redirects_are_followed(ingest: Ingester) -> None:
    before = len(ingest.hostile.asked)
    file = ingest.file("/hops?left=2")
    assert content(ingest, file).content == PHOTO
    assert len(ingest.hostile.asked) - before == 4


def test_the_fourth_redirect_is_one_too_many(ingest: Ingester) -> None:
    before = len(ingest.hostile.asked)
    assert ingest.refused("/hops?left=3") == "400 REDIRECT_LOOP"
    assert len(ingest.hostile.asked) - before == 4


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{port}/",
        "//localhost:{port}/",
        "http://0x7f.1:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://2130706433/",
        "http://169.254.169.254/latest/meta-data/",
        "http://metadata.google.internal/",
        "http://[::1]/",
        "http://inside.acme.org/",
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_what_is_not_public_is_not_followed(
    ingest: Ingester, target: str, status: int
) -> None:
    ingest.hostile.resolves("inside.acme.org", ["127.0.0.1"])
    with untouched_port() as (port, visited):
        to = httpx.QueryParams({"to": target.format(port=port), "status": str(status)})
        assert ingest.refused(f"/redirect?{to}") == "400 SSRF_BLOCKED"
        assert not visited()


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "http://a@127.0.0.1/", "//[", "http:\\\\127.0.0.1\\", "data:,"]
)
def test_a_redirect_to_what_is_no_url_gives_nothing(ingest: Ingester, target: str) -> None:
    assert ingest.refused(f"/redirect?{httpx.QueryParams({'to': target})}") == (
        "502 SOURCE_UNAVAILABLE"
    )


def test_no_spelling_of_a_forbidden_address_is_fetched(ingest: Ingester) -> None:
    before = len(ingest.hostile.asked)
    wrong = []
    for case in VECTORS:
        if case["outcome"] == "admitted":
            continue
        wanted = {"blocked": "400 SSRF_BLOCKED", "invalid": "400 INVALID_FIELD"}[case["outcome"]]
        # What the vectors call the service's own host is not that of this Worker.
        if "media.acme.org" not in case["url"].lower():
            answer = ingest.ask(case["url"] or " ")
            if f"{answer.status_code} {answer.json()['code']}" != wanted:
                wrong.append((case["name"], answer.text))
    assert not wrong
    assert ingest.hostile.asked[before:] == []


def test_this_services_own_host_is_not_fetched(ingest: Ingester, alice_photo: str) -> None:
    assert ingest.refused(alice_photo) == "400 SSRF_BLOCKED"


@pytest.fixture
def alice_photo(ingest: Ingester) -> str:
    file = ingest.file("/photo.jpg", visibility="public")
    return f"{ingest.worker.url}/m/{file['key']}"


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["::1"],
        ["fd00:ec2::254"],
        ["::ffff:93.184.216.34"],
        ["93.184.216.34", "192.168.0.1"],
        ["93.184.216.34", "fe80::1"],
    ],
)
def test_a_name_of_an_address_that_is_not_public_is_not_fetched(
    ingest: Ingester, addresses: list[str]
) -> None:
    ingest.hostile.resolves("inside.acme.org", addresses)
    before = len(ingest.hostile.asked)
    assert ingest.refused("http://inside.acme.org/") == "400 SSRF_BLOCKED"
    assert ingest.hostile.asked[before:] == ["inside.acme.org/1", "inside.acme.org/28"]


def test_a_name_is_asked_for_in_ascii(ingest: Ingester) -> None:
    ingest.hostile.resolves("xn--bcher-kva.de", ["127.0.0.1"])
    before = len(ingest.hostile.asked)
    assert ingest.refused("https://BÜCHER。de/") == "400 SSRF_BLOCKED"
    assert ingest.hostile.asked[before] == "xn--bcher-kva.de/1"


def test_a_name_is_resolved_anew_each_time(ingest: Ingester) -> None:
    """Who moves a name to an inner address later finds that it is looked at later, too."""
    ingest.hostile.resolves("moving.acme.invalid-tld", ["93.184.216.34"], ["127.0.0.1"])
    assert ingest.refused("http://moving.acme.invalid-tld/") == "502 SOURCE_UNAVAILABLE"
    assert ingest.refused("http://moving.acme.invalid-tld/") == "400 SSRF_BLOCKED"


def test_a_name_that_is_not_there_gives_nothing(ingest: Ingester) -> None:
    assert ingest.refused("http://nowhere.acme.org/") == "502 SOURCE_UNAVAILABLE"


def test_one_answer_for_all_that_goes_wrong_outside(ingest: Ingester, closed_port: int) -> None:
    """Which port is open, who hangs up and what is said instead of a file, nobody learns."""
    urls = [
        *(f"/{status}" for status in (206, 304, 401, 403, 404, 500, 503)),
        "/close",
        "/reset",
        "/garbage",
        "/flood-head",
        "/cut-chunks",
        "/zstd",
        f"/lie?length={len(PHOTO) + 1}",
        f"http://127.0.0.1:{closed_port}/",
        "http://nowhere.acme.org/",
    ]
    answers = {}
    for url in urls:
        before = kept(ingest.worker.state).objects
        answer = ingest.ask(url)
        assert kept(ingest.worker.state).objects == before, url
        body = answer.json()
        assert body.pop("requestId")
        answers[url] = (answer.status_code, body, sorted(answer.headers))
    first, *others = answers.values()
    assert first[0] == 502
    assert all(other == first for other in others), answers
    assert "secret" not in str(answers)


@pytest.mark.parametrize("path", ["/hang", "/drip-head", "/drip?pieces=100"])
def test_a_slow_server_is_left_when_the_time_is_up(ingest: Ingester, path: str) -> None:
    started = time.monotonic()
    assert ingest.refused(path) == "502 SOURCE_UNAVAILABLE"
    assert TIMEOUT - 0.5 < time.monotonic() - started < 4 * TIMEOUT


def test_a_file_that_drips_in_time_comes_whole(ingest: Ingester) -> None:
    assert content(ingest, ingest.file("/drip?pieces=5")).content == PHOTO


@pytest.mark.parametrize("path", ["/large", "/endless", "/bomb"])
def test_a_file_that_is_too_large_is_not_stored(ingest: Ingester, path: str) -> None:
    assert ingest.refused(path) == "400 FILE_TOO_LARGE"


def test_no_byte_is_stored_past_those_announced(ingest: Ingester) -> None:
    answer = ingest.ask("/lie?length=50000", tenant="lies")
    for key, size in kept(ingest.worker.state).objects.items():
        if key.startswith("t/lies/"):
            assert size <= 50_000
    assert answer.status_code in (201, 422)


def test_a_length_and_chunks_at_once_are_no_file_or_a_whole_one(ingest: Ingester) -> None:
    answer = ingest.ask("/both")
    if answer.status_code == 201:
        assert content(ingest, answer.json()).content == PHOTO
    else:
        assert answer.json()["code"] == "SOURCE_UNAVAILABLE"


def test_an_empty_file_is_none(ingest: Ingester) -> None:
    assert ingest.refused("/empty") == "422 CONTENT_MISMATCH"


def test_a_page_is_no_picture(ingest: Ingester) -> None:
    assert ingest.refused("/html") == "400 UNSUPPORTED_MIME"
    assert ingest.refused("/html", contentType="image/jpeg") == "400 UNSUPPORTED_MIME"


def test_a_page_that_is_called_a_picture_is_none(ingest: Ingester) -> None:
    answer = ingest.ask("/html.jpg")
    assert f"{answer.status_code} {answer.json()['code']}" == "422 CONTENT_MISMATCH"


def test_a_file_comes_where_the_caller_has_left(ingest: Ingester) -> None:
    impatient = Ingester(ingest.worker, ingest.hostile, httpx.Client(timeout=0.5))
    with suppress(httpx.TimeoutException):
        impatient.ask("/drip?pieces=8", tenant="leaver")
        raise AssertionError("it was too fast to leave")
    end = time.monotonic() + 10
    while time.monotonic() < end:
        statuses = [
            row["status"]
            for key, row in kept(ingest.worker.state).rows.items()
            if key.startswith("t/leaver/")
        ]
        if statuses == ["uploaded"]:
            return
        time.sleep(0.05)
    raise AssertionError(statuses)


def test_many_at_once_come_whole(ingest: Ingester) -> None:
    with ThreadPoolExecutor(8) as pool:
        files = list(pool.map(ingest.file, ["/photo.jpg", "/chunked", "/svg.gz"] * 8))
    sizes = {"photo.jpg": len(PHOTO), "chunked": len(PHOTO), "svg.gz": len(SVG)}
    objects = kept(ingest.worker.state).objects
    for file in files:
        assert file["fileSize"] == objects[file["key"]] == sizes[file["fileName"]]


def test_a_tenant_that_asks_too_often_waits(ingest: Ingester) -> None:
    # The minute may end meanwhile, and another begin.
    for _ in range(41):
        answer = ingest.ask("http://127.0.0.1/", tenant="eager")
        if answer.status_code == 429:
            break
    assert answer.json()["code"] == "RATE_LIMITED"
    assert answer.headers["retry-after"] == "60"


def test_what_leads_nowhere_is_in_the_log_without_its_url(ingest: Ingester) -> None:
    ingest.refused("/404?token=precious-token")
    ingest.refused("http://10.11.12.13/?token=precious-token")
    log = ingest.worker.log.read_text()
    assert '"reason":"status 404"' in log
    assert "precious-token" not in log
    assert "10.11.12.13" not in log


def test_a_development_host_is_none_in_production(
    run_worker: RunWorker, hostile: Hostile, http: httpx.Client, tmp_path_factory: Any
) -> None:
    env_file = tmp_path_factory.mktemp("ingest") / "secrets"
    env_file.write_text("GATEWAY_KEYS=a-key-of-production\n")
    variables = {"INGEST_DEVELOPMENT_HOSTS": hostile.authority}
    before = len(hostile.asked)
    with run_worker(variables=variables, env_file=env_file) as running:
        headers = {**headers_of("alice", "acme"), "x-gateway-key": "a-key-of-production"}
        body = {"url": f"{hostile.url}/photo.jpg", "service": "blog"}
        answer = http.post(f"{running.url}/upload/ingest-url", headers=headers, json=body)
        assert answer.status_code == 503
        assert answer.json()["setting"] == "INGEST_DEVELOPMENT_HOSTS"
    assert hostile.asked[before:] == []
