"""What the application's own code does with files: attach, detach, replace, hide, remove.

Everything here happens in the application's transaction, or in one of its own where there is none,
and asks nobody over the network: the Worker is told by the outbox. So a post and its files come
together or not at all, and so they go.

A *target* is what files are attached to: a saved row of a model of the application's. One row can
hold several sets of files, each under the name of a *slot*:

    with transaction.atomic():
        post = Post.objects.create(author=user, text=text)
        attach(post, keys, by=user, visibility="public")
        replace(user.profile, key, by=user, slot="avatar")

The order of locks is always the same, so that two of us wait for each other and never for ever:
first the target's row, then the files' rows in the order of their ids. The target's lock is what
makes two that replace an avatar at once leave one avatar, and what keeps a file from being attached
to a post that is being deleted.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest, Left
from django.db.models.lookups import Exact
from django.utils import timezone

from media_shim import conf, outbox, signals
from media_shim.errors import (
    AlreadyCommitted,
    AttachDenied,
    MediaCommitFailed,
    MediaGone,
    MediaInUse,
    MediaNotFound,
    ShimError,
    UploadIncomplete,
)
from media_shim.models import LEFT, LONGEST_TARGET, MediaObject, MediaQuerySet, Removal, Status
from media_shim.uploads import Visibility

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

SLOT: Final = re.compile(r"[a-z0-9_-]{0,32}")

_Target = TypeVar("_Target", bound=models.Model)


def reference(target: models.Model, slot: str = "") -> str:
    """Return how a target is written in `attached_to`: `blog.post:17`, `blog.profile:7#avatar`.

    However the primary key was written when the row was made, it is written as the database has it.

    Raises:
        ValueError: the target has no primary key yet, or one that cannot be written so; or the slot
            is not up to 32 small letters, digits, underscores or hyphens.
    """
    if not SLOT.fullmatch(slot):
        raise ValueError(f"A slot is up to 32 of a-z, 0-9, _ and -, which {slot!r} is not.")
    if target.pk is None:
        raise ValueError("Save the target first: files are attached to its primary key.")
    if isinstance(target.pk, tuple):
        raise ValueError("The target's primary key is of several columns.")
    model = target._meta.concrete_model or type(target)
    name = f"{model._meta.label_lower}:{primary_key(model, target.pk)}"
    if "#" in name or len(name) + 1 + len(slot) > LONGEST_TARGET:
        raise ValueError("The target's primary key is too long, or has a number sign in it.")
    return f"{name}#{slot}" if slot else name


def named(name: str | None) -> tuple[str, str] | None:
    """Return the model and the primary key that a name speaks of, if it is written so."""
    label, colon, pk = (name or "").partition("#")[0].partition(":")
    return (label, pk) if colon else None


def primary_key(model: type[models.Model], written: object) -> Any:
    """Return a primary key as a model's rows have it, however it is written.

    Raises:
        ValueError: no row of the model can have it. Of numbers, neither what no database has room
            for: not every one can be asked for it.
    """
    try:
        key = model._meta.pk.to_python(written)
    except ValidationError as error:
        raise ValueError("This is no primary key of the model.") from error
    if isinstance(key, int) and abs(key) >= 2**63:
        raise ValueError("This number is too large for a primary key.")
    return key


def attach(
    target: models.Model,
    keys: Sequence[str],
    *,
    by: "AbstractBaseUser",
    visibility: str | None = None,
    slot: str = "",
) -> list[MediaObject]:
    """Attach committed files to a target, for ever: all of them, or none. Idempotent.

    Whether this user may attach to this target is for the caller to know.

    Args:
        target: what they belong to from now on.
        keys: the files' keys, in the order in which they are shown.
        by: who uploaded them.
        visibility: who may see them from now on; None leaves each as it is.
        slot: which of the target's sets.

    Returns:
        The files, in the order of their keys.

    Raises:
        MediaCommitFailed: saying which of the files cannot be attached, and why.
        ObjectDoesNotExist: the target is not there any more.
        ValueError: see `reference`.
    """
    with transaction.atomic():
        name = _hold(target, slot)
        return _attach(name, keys, by, visibility)


def replace(
    target: models.Model,
    key: str,
    *,
    by: "AbstractBaseUser",
    visibility: str | None = None,
    slot: str = "avatar",
) -> MediaObject:
    """Attach one file in the place of all that the slot held, which are removed. Idempotent.

    Raises:
        MediaCommitFailed, ObjectDoesNotExist, ValueError: as `attach`; nothing is removed then.
    """
    with transaction.atomic():
        name = _hold(target, slot)
        (media,) = _attach(name, [key], by, visibility)
        _let_go(_attached(Q(attached_to=name)).exclude(pk=media.pk), Removal.REPLACED)
        return media


def detach(
    target: models.Model, keys: Iterable[str] | None = None, *, slot: str | None = None
) -> list[MediaObject]:
    """Remove files of a target. Their URLs stop working when the Worker has been told.

    A file that was attached once cannot be attached again, so what is detached is deleted.

    Args:
        target: what they are attached to. It need not be there any more.
        keys: which of them; None for all.
        slot: which of the target's sets; None for all.

    Returns:
        The files that go. Keys of files that are not attached there are passed over.
    """
    with transaction.atomic():
        return _let_go(_attached(_within(target, slot), keys), Removal.DELETED)


def published_elsewhere(target: models.Model, *, slot: str | None = None) -> list[MediaObject]:
    """Remove the bytes of a target's files, because they live on elsewhere; their rows are kept."""
    with transaction.atomic():
        return _let_go(_attached(_within(target, slot)), Removal.PUBLISHED)


def set_visibility(
    target: models.Model, visibility: str, *, slot: str | None = None
) -> list[MediaObject]:
    """Decide anew who may see a target's files.

    What becomes private is refused without a token as soon as the Worker has been told. What
    becomes public keeps getting private URLs until then.

    Returns:
        The files that change.
    """
    with transaction.atomic():
        media = _attached(_within(target, slot)).exclude(visibility=Visibility(visibility))
        return _show(list(media), Visibility(visibility), timezone.now())


def remove(user: "AbstractBaseUser", media_id: str) -> MediaObject:
    """Remove a file that this user uploaded and nothing uses. Idempotent.

    Raises:
        MediaNotFound: this user uploaded no such file.
        MediaInUse: it is attached to something.
    """
    with transaction.atomic():
        media = MediaObject.objects.select_for_update().owned_by(user).filter(pk=media_id).first()
        if media is None:
            raise MediaNotFound
        if media.status in LEFT:
            return media
        if media.attached_to is not None:
            raise MediaInUse
        return _let_go_of([media], Removal.DELETED)[0]


def remove_all_of(user: "AbstractBaseUser") -> int:
    """Remove every file of a user, whatever it is attached to. The user can be deleted then.

    Returns:
        How many files go.
    """
    with transaction.atomic():
        media = MediaObject.objects.owned_by(user)
        gone = _let_go(media.exclude(status__in=LEFT), Removal.ACCOUNT)
        # An upload that has begun meanwhile keeps its owner, who cannot be deleted then.
        media.filter(status__in=LEFT).update(owner=None)
        return len(gone)


def of(targets: Iterable[_Target], slot: str = "") -> dict[_Target, list[MediaObject]]:
    """Return the files of many targets, in one query, each target's in their order."""
    names = {reference(target, slot): target for target in targets}
    found: dict[_Target, list[MediaObject]] = {target: [] for target in names.values()}
    media = MediaObject.objects.committed().filter(attached_to__in=names)
    for each in media.order_by("position", "committed_at", "pk"):
        found[names[str(each.attached_to)]].append(each)
    return found


def attach_by_name(user: "AbstractBaseUser", key: str, attach_to: str) -> MediaObject:
    """Attach a file to what a browser names, if ATTACH_RESOLVER lets this user. Idempotent.

    Raises:
        MediaNotFound: this user uploaded no such file.
        UploadIncomplete: it is not committed yet.
        MediaGone: it was removed.
        AlreadyCommitted: it is attached to something else.
        AttachDenied: the user may not attach to this.
    """
    with transaction.atomic():
        _hold_named(attach_to)
        media = MediaObject.objects.select_for_update().owned_by(user).filter(key=key).first()
        if media is None:
            raise MediaNotFound
        if (objection := _objection(media, attach_to, None)) is not None:
            raise objection
        if media.attached_to is None:
            if not conf.current().attach_resolver(user, attach_to):
                raise AttachDenied
            _settle(media, attach_to, _next_position(attach_to), timezone.now())
        return media


def sweep(media: MediaQuerySet, reason: Removal, most: int) -> int:
    """Remove at most so many of these files, passing over those that somebody is working on.

    They are locked before they are looked at, so what was attached meanwhile is not among them.
    """
    with transaction.atomic():
        skip = transaction.get_connection().features.has_select_for_update_skip_locked
        locked = list(media.select_for_update(skip_locked=skip).order_by("pk")[:most])
        return len(_let_go_of(locked, reason))


def _hold(target: models.Model, slot: str) -> str:
    """Lock the target's row and return how the target is written."""
    name = reference(target, slot)
    type(target)._base_manager.select_for_update().only("pk").get(pk=target.pk)
    return name


def _hold_named(name: str) -> None:
    """Lock the row that a name speaks of, if it is one of those whose files go with it."""
    # The mixin is made of what is here.
    from media_shim.attachable import models_with_files

    label, pk = named(name) or ("", "")
    model = models_with_files().get(label)
    if model is not None:
        try:
            key = primary_key(model, pk)
        except ValueError:
            return  # There is no such row to be locked.
        model._base_manager.select_for_update().filter(pk=key).only("pk").first()


def _within(target: models.Model, slot: str | None) -> Q:
    if slot is not None:
        return Q(attached_to=reference(target, slot))
    name = reference(target)
    start = f"{name}#"
    # Where LIKE does not know small letters from capitals, it would take another target's files.
    exactly = Exact(Left("attached_to", len(start)), Value(start))
    return Q(attached_to=name) | Q(exactly, attached_to__startswith=start)


def _attached(which: Q, keys: Iterable[str] | None = None) -> MediaQuerySet:
    """Return files that are attached, locked in the order of their ids."""
    media = MediaObject.objects.select_for_update().committed().filter(which).order_by("pk")
    return media if keys is None else media.filter(key__in=list(keys))


def _attach(
    name: str, keys: Sequence[str], by: "AbstractBaseUser", visibility: str | None
) -> list[MediaObject]:
    keys = list(dict.fromkeys(keys))
    rows = MediaObject.objects.select_for_update().owned_by(by).filter(key__in=keys).order_by("pk")
    media = {each.key: each for each in rows}
    failures = {
        key: objection
        for key in keys
        if (objection := _objection(media.get(key), name, visibility)) is not None
    }
    if failures:
        raise MediaCommitFailed(failures)
    now, position = timezone.now(), _next_position(name)
    for key in keys:
        if media[key].attached_to is None:
            _settle(media[key], name, position, now)
            position += 1
    if visibility is not None:
        changing = [each for each in media.values() if each.visibility != visibility]
        _show(changing, Visibility(visibility), now)
    return [media[key] for key in keys]


def _objection(media: MediaObject | None, name: str, visibility: str | None) -> ShimError | None:
    """Return why a file cannot be attached there, or None."""
    if media is None:
        return MediaNotFound()
    if media.status in LEFT:
        return MediaGone()
    if media.status != Status.COMMITTED:
        return UploadIncomplete()
    if media.attached_to is None:
        return None
    is_repetition = media.attached_to == name and visibility in (None, media.visibility)
    return None if is_repetition else AlreadyCommitted()


def _next_position(name: str) -> int:
    last = MediaObject.objects.filter(attached_to=name).aggregate(last=models.Max("position"))
    return 0 if last["last"] is None else int(last["last"]) + 1


def _settle(media: MediaObject, name: str, position: int, now: datetime) -> None:
    """Attach a file that may be attached."""
    # A database without row locks lets two of us come this far; only one changes the row.
    free = MediaObject.objects.committed().filter(pk=media.pk, attached_to=None)
    if not free.update(attached_to=name, position=position, updated_at=now):
        raise AlreadyCommitted
    media.attached_to, media.position, media.updated_at = name, position, now
    signals.media_attached.send(sender=MediaObject, media=media)


def _show(media: list[MediaObject], visibility: Visibility, now: datetime) -> list[MediaObject]:
    _change(media, now, visibility=visibility)
    outbox.tell_visibility(media, now)
    return media


def _let_go(media: MediaQuerySet, reason: Removal) -> list[MediaObject]:
    return _let_go_of(list(media.select_for_update().order_by("pk")), reason)


def _let_go_of(media: list[MediaObject], reason: Removal) -> list[MediaObject]:
    """Remove files whose rows are locked: from here on nothing brings them back."""
    now = timezone.now()
    _change(media, now, status=Status.REMOVING, removal_reason=reason)
    outbox.tell_removal(media, now)
    for each in media:
        signals.media_removing.send(sender=MediaObject, media=each)
    return media


def _change(media: list[MediaObject], now: datetime, **changes: str) -> None:
    """Write to rows that are locked what the Worker must hear, under a greater number each."""
    least = outbox.least_revision(now)
    MediaObject.objects.filter(pk__in=[each.pk for each in media]).update(
        **changes, updated_at=now, revision=Greatest(F("revision") + 1, least)
    )
    for each in media:
        each.revision, each.updated_at = max(each.revision + 1, least), now
        for name, value in changes.items():
            setattr(each, name, value)
