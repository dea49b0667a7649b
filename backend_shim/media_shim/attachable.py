"""A model whose rows have files: `class Post(HasMedia, models.Model)`.

It adds no column: what is attached to a row is in the files' rows, the one place that says so. When
a row is deleted, by its own `delete()`, a queryset's or a cascade, its files go in the same
transaction. (SQL that is written by hand tells nobody: `media_reconcile` finds what it left.)

A proxy can have the mixin where the model that it stands for is somebody else's, such as the user:
the files are that row's, and go when it is deleted as what it is.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models
from django.db.models.signals import class_prepared, post_delete

from media_shim import attachments

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from media_shim.models import MediaObject


class HasMedia(models.Model):
    """The mixin. Where a page shows many rows, `attachments.of(rows)` asks once for all of them."""

    class Meta:
        abstract = True

    def media(self, slot: str = "") -> list["MediaObject"]:
        """Return what is attached to this row, in its order."""
        return attachments.of([self], slot)[self]

    def attach_media(
        self,
        keys: Sequence[str],
        *,
        by: "AbstractBaseUser",
        visibility: str | None = None,
        slot: str = "",
    ) -> list["MediaObject"]:
        """Attach files: see `attachments.attach`."""
        return attachments.attach(self, keys, by=by, visibility=visibility, slot=slot)

    def replace_media(
        self,
        key: str,
        *,
        by: "AbstractBaseUser",
        visibility: str | None = None,
        slot: str = "avatar",
    ) -> "MediaObject":
        """Attach one file in the place of another: see `attachments.replace`."""
        return attachments.replace(self, key, by=by, visibility=visibility, slot=slot)

    def detach_media(
        self, keys: Iterable[str] | None = None, *, slot: str | None = None
    ) -> list["MediaObject"]:
        """Remove files: see `attachments.detach`."""
        return attachments.detach(self, keys, slot=slot)


def models_with_files() -> dict[str, type[models.Model]]:
    """Return the models whose rows let their files go, by what `reference` calls them."""
    found = (
        model._meta.concrete_model for model in apps.get_models() if issubclass(model, HasMedia)
    )
    return {model._meta.label_lower: model for model in found if model is not None}


def _remove_media(sender: type[models.Model], instance: models.Model, **_: Any) -> None:  # noqa: ARG001
    attachments.detach(instance)


def _listen(sender: type[models.Model], **_: Any) -> None:
    """Listen to the deletion of this model alone: others keep their fast deletes."""
    if issubclass(sender, HasMedia) and not sender._meta.abstract:
        for model in {sender, sender._meta.concrete_model}:
            post_delete.connect(_remove_media, sender=model)


class_prepared.connect(_listen)
