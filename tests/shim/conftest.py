"""The demo, with the Worker replaced where the network begins.

Every test runs on SQLite and on PostgreSQL; `-m "not postgres"` leaves the second run out.
"""

import os
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import django
import pytest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo.settings")
django.setup()

from django.contrib.auth.models import Group, User  # noqa: E402
from django.contrib.contenttypes.models import ContentType  # noqa: E402
from django.db import connections  # noqa: E402
from django.db.models import Q  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402

from demo import database  # noqa: E402
from demo.models import Profile  # noqa: E402
from media_shim import services  # noqa: E402
from media_shim.models import MediaObject, MediaQuerySet  # noqa: E402
from media_shim.testing.network import in_the_network  # noqa: E402
from media_shim.testing.worker import GATEWAY_KEY, FakeWorker  # noqa: E402
from media_shim.uploads import UploadWanted  # noqa: E402
from tests.postgres import Postgres, PostgresMissing, binaries  # noqa: E402

NOT_RUN = pytest.StashKey[str]()
"""What was left out, and why."""

SECRET = b"0123456789abcdef0123456789abcdef"
TOKEN_KEYS = f"k2:{urlsafe_b64encode(SECRET).decode()},k1:{'QUFB' * 12}"
PICTURE = {"kind": "image", "contentType": "image/jpeg", "bytes": 1234, "fileName": "sea.jpg"}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave PostgreSQL out where there is none, and keep why: once, and not for every test."""
    on_postgres = [item for item in items if item.get_closest_marker("postgres")]
    try:
        binaries()
    except PostgresMissing as missing:
        if on_postgres:
            config.stash[NOT_RUN] = f"{len(on_postgres)} tests of tests/shim: {missing}"
            config.hook.pytest_deselected(items=on_postgres)
            items[:] = [item for item in items if item not in on_postgres]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if NOT_RUN in config.stash:
        terminalreporter.write_line(f"NOT RUN {config.stash[NOT_RUN]}", yellow=True)


@pytest.fixture(
    scope="session", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def django_db_setup(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_test_environment: None,  # noqa: ARG001
    django_db_blocker: Any,
) -> Iterator[None]:
    """The database that the tests run on: first each of them on one, then each on the other.

    SQLite's is in a file, as an application's is: what is in memory has other locks.
    """
    with ExitStack() as until_the_end:
        if request.param == "sqlite":
            path = tmp_path_factory.mktemp("database") / "demo.sqlite3"
            chosen = database.sqlite(path) | {"TEST": {"NAME": path}}
        else:
            server = until_the_end.enter_context(Postgres())
            chosen = database.postgres(server.url)
        with django_db_blocker.unblock():
            _connect_to(chosen)
            # Its rows are remembered by their ids, which are other ones in another database.
            ContentType.objects.clear_cache()
            created = setup_databases(verbosity=0, interactive=False)
        yield
        with django_db_blocker.unblock():
            teardown_databases(created, verbosity=0)
            connections["default"].close()


def _connect_to(chosen: dict[str, Any]) -> None:
    """Make it the default database, for this thread and for those that come."""
    connections["default"].close()
    del connections["default"]
    configured = connections.settings["default"]
    configured.clear()
    configured.update(chosen)
    connections.configure_settings(connections.settings)


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """Every test may use the database, and leaves nothing in it."""


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def shim_settings(settings: Any) -> dict[str, Any]:
    """The settings of a configured application; a test may change and reassign them."""
    settings.MEDIA_SHIM = {
        "WORKER_URL": "https://worker.test",
        "PUBLIC_URL": "https://media.test",
        "GATEWAY_KEY": GATEWAY_KEY,
        "TOKEN_KEYS": TOKEN_KEYS,
        "TENANT": "demo.access.tenant_of",
    }
    return dict(settings.MEDIA_SHIM)


@pytest.fixture(autouse=True)
def double() -> Iterator[FakeWorker]:
    """What answers under names that end in .test, of which the network has none (RFC 6761)."""
    with in_the_network() as double:
        yield double


@pytest.fixture
def alice() -> User:
    return _user("alice", "acme")


@pytest.fixture
def bob() -> User:
    return _user("bob", "globex")


def _user(name: str, tenant: str) -> User:
    user = User.objects.create_user(name, password=name)
    Profile.objects.create(user=user, tenant=tenant)
    return user


class Browser(Client):
    """A test client that speaks JSON, with somebody signed in or nobody."""

    def __init__(self, user: User | None = None, **options: Any) -> None:
        super().__init__(**options)
        if user is not None:
            self.force_login(user)

    def send(self, path: str, body: object, **options: Any) -> Any:
        return self.post(path, body, content_type="application/json", **options)


@pytest.fixture
def as_alice(alice: User) -> Browser:
    return Browser(alice)


@pytest.fixture
def as_bob(bob: User) -> Browser:
    return Browser(bob)


@pytest.fixture
def nobody() -> Browser:
    return Browser()


Upload = Callable[..., MediaObject]


@pytest.fixture
def upload(double: FakeWorker) -> Upload:
    """Sign an upload and store its bytes; what is left to do is the commit."""

    def sign_and_put(user: User, **changes: object) -> MediaObject:
        media, _ = services.sign_upload(user, UploadWanted.parse(PICTURE | changes))
        double.put(media.key)
        return media

    return sign_and_put


@pytest.fixture
def committed(upload: Upload) -> Upload:
    """Sign, store and commit."""

    def commit(user: User, **changes: object) -> MediaObject:
        return services.commit(user, upload(user, **changes).key)

    return commit


def followers_view(viewer: User, files: MediaQuerySet) -> MediaQuerySet:
    """Whoever is in the group of an owner's followers sees what they upload."""
    followed = Group.objects.filter(user=viewer).values("name")
    return files.filter(Q(owner=viewer) | Q(owner__username__in=followed))


@pytest.fixture
def _followers(settings: Any, shim_settings: Any, alice: User, bob: User) -> None:
    settings.MEDIA_SHIM = shim_settings | {"VIEWABLE": f"{__name__}.{followers_view.__name__}"}
    bob.groups.add(Group.objects.create(name=alice.username))
