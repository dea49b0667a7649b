"""Who sees a private file whose URL they have: the policies of docs/delivery.md in a browser.

A page embeds the file from the media host, or from its own origin where that hands `/m/` on to
the Worker. What is not shown must have been kept back for the reason that the browser names.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Error, Page

from tests.conftest import RunningWorker, RunWorker
from tests.delivery_browser.site import serve
from tests.worker.tokens import file_url

APPLICATION = "app.example.test"
SIBLING = "admin.example.test"
STRANGER = "elsewhere.test"
MEDIA = "media.example.test"

NOT_SAME_SITE = "net::ERR_BLOCKED_BY_RESPONSE.NotSameSite"
NOT_SAME_ORIGIN = "net::ERR_BLOCKED_BY_RESPONSE.NotSameOrigin"

EMBED = """url => new Promise(settle => {
    const image = document.body.appendChild(new Image());
    image.onload = () => settle(true);
    image.onerror = () => settle(false);
    image.src = url;
})"""

READ = "url => fetch(url).then(answer => answer.blob()).then(blob => blob.size)"


@dataclass(frozen=True)
class Deployment:
    """A Worker, and an application beside it.

    Attributes:
        worker_port: where the Worker answers, under every name.
        application_port: where the application does.
    """

    worker_port: int
    application_port: int

    def from_media_host(self, key: str) -> str:
        """Return a file's URL on a host of the Worker's own."""
        return file_url(f"http://{MEDIA}:{self.worker_port}", key)

    def from_application(self, key: str) -> str:
        """Return a file's URL on the application's origin."""
        return file_url(f"http://{APPLICATION}:{self.application_port}", key)

    def open(self, page: Page, host: str) -> None:
        """Open the application's page under one of its names, or under another's."""
        page.goto(f"http://{host}:{self.application_port}/")


def deployed(run_worker: RunWorker, worker: RunningWorker, policy: str) -> Iterator[Deployment]:
    """Run a Worker with this policy on the files of the shared one."""
    with (
        run_worker(state=worker.state, variables={"PRIVATE_RESOURCE_POLICY": policy}) as running,
        serve(running.url) as application_port,
    ):
        port = urlsplit(running.url).port
        assert port is not None
        yield Deployment(port, application_port)


@pytest.fixture(scope="module")
def sub_domain(run_worker: RunWorker, worker: RunningWorker) -> Iterator[Deployment]:
    """The policy for a media host beside the application's."""
    yield from deployed(run_worker, worker, "same-site")


@pytest.fixture(scope="module")
def same_origin(run_worker: RunWorker, worker: RunningWorker) -> Iterator[Deployment]:
    """The policy for `/m/` on the application's origin."""
    yield from deployed(run_worker, worker, "same-origin")


def shown(page: Page, url: str) -> bool:
    """Embed a picture and say whether it is there."""
    return bool(page.evaluate(EMBED, url))


def kept_back(page: Page, url: str) -> str | None:
    """Embed a picture that is not shown, and return why it was not."""
    with page.expect_event("requestfailed") as failed:
        assert not shown(page, url)
    return failed.value.failure


# A media host of its own: same-site.


@pytest.mark.parametrize("host", [APPLICATION, SIBLING])
def test_a_page_of_the_site_shows_a_private_file(
    sub_domain: Deployment, page: Page, private: str, host: str
) -> None:
    sub_domain.open(page, host)
    assert shown(page, sub_domain.from_media_host(private))


def test_a_page_of_another_site_does_not(sub_domain: Deployment, page: Page, private: str) -> None:
    sub_domain.open(page, STRANGER)
    assert kept_back(page, sub_domain.from_media_host(private)) == NOT_SAME_SITE


def test_a_page_of_another_site_shows_a_public_file(
    sub_domain: Deployment, page: Page, public: str
) -> None:
    sub_domain.open(page, STRANGER)
    assert shown(page, f"http://{MEDIA}:{sub_domain.worker_port}/m/{public}")


def test_a_script_of_the_site_cannot_read_a_private_file(
    sub_domain: Deployment, page: Page, private: str
) -> None:
    sub_domain.open(page, APPLICATION)
    with pytest.raises(Error, match="Failed to fetch"):
        page.evaluate(READ, sub_domain.from_media_host(private))


def test_a_link_from_anywhere_opens_a_private_file(
    sub_domain: Deployment, page: Page, private: str
) -> None:
    sub_domain.open(page, STRANGER)
    with page.expect_navigation() as navigation:
        page.evaluate("url => { location.href = url }", sub_domain.from_media_host(private))
    answer = navigation.value
    assert answer is not None
    assert answer.status == 200


# `/m/` on the application's origin: same-origin.


def test_a_page_of_the_origin_shows_a_private_file(
    same_origin: Deployment, page: Page, private: str
) -> None:
    same_origin.open(page, APPLICATION)
    assert shown(page, same_origin.from_application(private))


def test_a_script_of_the_origin_reads_a_private_file(
    same_origin: Deployment, page: Page, private: str
) -> None:
    same_origin.open(page, APPLICATION)
    assert page.evaluate(READ, same_origin.from_application(private)) > 0


@pytest.mark.parametrize("host", [SIBLING, STRANGER])
def test_a_page_of_another_origin_does_not(
    same_origin: Deployment, page: Page, private: str, host: str
) -> None:
    same_origin.open(page, host)
    assert kept_back(page, same_origin.from_application(private)) == NOT_SAME_ORIGIN


def test_with_the_policy_for_one_origin_a_media_host_beside_it_shows_nothing(
    same_origin: Deployment, page: Page, private: str
) -> None:
    same_origin.open(page, APPLICATION)
    assert kept_back(page, same_origin.from_media_host(private)) == NOT_SAME_ORIGIN


# One machine: cross-origin, which is what the development settings say.


def test_two_ports_of_127_0_0_1_are_not_one_site(
    sub_domain: Deployment, page: Page, private: str
) -> None:
    sub_domain.open(page, "127.0.0.1")
    url = file_url(f"http://127.0.0.1:{sub_domain.worker_port}", private)
    assert kept_back(page, url) == NOT_SAME_SITE


def test_what_development_says_lets_every_page_show_a_private_file(
    worker: RunningWorker, sub_domain: Deployment, page: Page, private: str
) -> None:
    sub_domain.open(page, STRANGER)
    assert shown(page, file_url(worker.url, private))
