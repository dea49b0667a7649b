"""The demo, with the Worker replaced where the network begins.

Every test runs on SQLite and on PostgreSQL (`tests/databases.py`).
"""

import os
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import Any

import django
import pytest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo.settings")
django.setup()

from django.contrib.auth.models import Group, User  # noqa: E402
from django.db.models import Q  # noqa: E402
from django.test import Client  # noqa: E402

from demo.models import Profile  # noqa: E402
from media_shim import services  # noqa: E402
from media_shim.models import MediaObject, MediaQuerySet  # noqa: E402
from media_shim.testing.network import in_the_network  # noqa: E402
from media_shim.testing.worker import GATEWAY_KEY, FakeWorker  # noqa: E402
from media_shim.uploads import UploadWanted  # noqa: E402

SECRET = b"0123456789abcdef0123456789abcdef"
TOKEN_KEYS = f"k2:{urlsafe_b64encode(SECRET).decode()},k1:{'QUFB' * 12}"
PICTURE = {"kind": "image", "contentType": "image/jpeg", "bytes": 1234, "fileName": "sea.jpg"}


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
