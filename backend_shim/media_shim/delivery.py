"""Who may see a file, and the URLs for whoever may. Nobody is asked: a URL is signed here.

Whether a viewer may see a file is decided when a URL is minted, each time anew, from the database
alone: VIEWABLE narrows the files that are asked for to those that the viewer may see. One hook
serves one file and a page of a hundred, and each costs one query. Whoever may no longer see a file
is refused the next URL at once; one that they have opens the file until it ends, TOKEN_TTL at most.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.utils import timezone

from media_shim import conf
from media_shim.errors import MediaGone, MediaNotFound, ShimError, UploadIncomplete
from media_shim.models import MediaObject, Status
from media_shim.tokens import DeliveryUrl, delivery_url

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

MOST_KEYS: Final = 100
"""How many files one request may ask URLs for."""


def mint(media: MediaObject, viewer: "AbstractBaseUser", now: datetime) -> DeliveryUrl:
    """Return a URL of a file that the application knows this viewer may see. No query.

    Args:
        media: the file.
        viewer: for whom the URL is.
        now: the time; the URL lives TOKEN_TTL seconds from its whole second on.

    Raises:
        UploadIncomplete: it is not committed yet.
        MediaGone: it was removed, or is about to be.
        NotConfigured: a setting is missing or wrong.
    """
    if media.status == Status.PENDING:
        raise UploadIncomplete
    if media.status != Status.COMMITTED:
        raise MediaGone
    return delivery_url(media, viewer, now)


def url_for(viewer: "AbstractBaseUser", key: str) -> DeliveryUrl:
    """Return a fresh URL of a file, if this viewer may see it. One query.

    Raises:
        MediaNotFound: there is no such file, or the viewer may not see it.
        UploadIncomplete: it is not committed yet.
        MediaGone: it was removed, or is about to be.
        NotConfigured: a setting is missing or wrong.
    """
    outcome = outcomes_for(viewer, [key])[key]
    if isinstance(outcome, ShimError):
        raise outcome
    return outcome


def urls_for(viewer: "AbstractBaseUser", keys: Iterable[str]) -> dict[str, DeliveryUrl]:
    """Return fresh URLs of those files that there are and this viewer may see. One query.

    Raises:
        NotConfigured: a setting is missing or wrong.
    """
    outcomes = outcomes_for(viewer, keys)
    return {key: found for key, found in outcomes.items() if isinstance(found, DeliveryUrl)}


def outcomes_for(
    viewer: "AbstractBaseUser", keys: Iterable[str]
) -> Mapping[str, DeliveryUrl | ShimError]:
    """Return for each key, once and in order, its URL or the error that `url_for` raises.

    Raises:
        NotConfigured: a setting is missing or wrong.
    """
    wanted, now = dict.fromkeys(keys), timezone.now()
    asked_for = MediaObject.objects.filter(key__in=wanted)
    visible = {media.key: media for media in conf.current().viewable(viewer, asked_for)}
    return {key: _outcome(visible.get(key), viewer, now) for key in wanted}


def _outcome(
    media: MediaObject | None, viewer: "AbstractBaseUser", now: datetime
) -> DeliveryUrl | ShimError:
    if media is None:
        return MediaNotFound()
    try:
        return mint(media, viewer, now)
    except (UploadIncomplete, MediaGone) as refused:
        return refused
