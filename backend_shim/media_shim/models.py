"""What the application knows of the files that its users uploaded.

A row is made when the Worker has issued an upload (`pending`), becomes `committed` when the Worker
has found the bytes and looked at them, and may then be attached, once and for ever, to something of
the application's. Who may see a file is decided from this row and the application's own.
"""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q

from media_shim.fields import LONGEST_KEY
from media_shim.uploads import Kind, Visibility

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


LONGEST_TARGET = 200
"""Of what a file is attached to, in characters."""


class Status(models.TextChoices):
    PENDING = "pending"
    COMMITTED = "committed"


class MediaQuerySet(models.QuerySet["MediaObject"]):
    def owned_by(self, user: "AbstractBaseUser") -> "MediaQuerySet":
        """Only what this user uploaded."""
        return self.filter(owner_id=user.pk)

    def committed(self) -> "MediaQuerySet":
        """Only what is there to be seen."""
        return self.filter(status=Status.COMMITTED)


class MediaObject(models.Model):
    """A file: its bytes are in the Worker's store, under `key`.

    An owner cannot be deleted while there are files of theirs, because a file whose row is gone is
    one that nobody would ever delete.
    """

    id = models.CharField("media id", primary_key=True, max_length=64)
    key = models.CharField(max_length=LONGEST_KEY, unique=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="media_objects"
    )
    tenant = models.CharField(
        max_length=64, null=True, blank=True, help_text="The owner's, when the file was uploaded."
    )
    kind = models.CharField(max_length=16, choices=Kind.choices)
    content_type = models.CharField(max_length=64)
    bytes = models.PositiveBigIntegerField()
    file_name = models.CharField(max_length=1024)
    visibility = models.CharField(max_length=16, choices=Visibility.choices)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    attached_to = models.CharField(
        max_length=LONGEST_TARGET,
        null=True,
        blank=True,
        db_index=True,
        help_text="What of the application the file belongs to, such as post:17.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    committed_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = MediaQuerySet.as_manager()

    class Meta:
        verbose_name = "media object"
        indexes = (
            models.Index(fields=["owner", "status", "-created_at"], name="media_shim_owner_newest"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(status=Status.PENDING, committed_at=None)
                | Q(status=Status.COMMITTED, committed_at__isnull=False),
                name="media_shim_committed_has_time",
            ),
            models.CheckConstraint(
                condition=Q(attached_to=None) | Q(status=Status.COMMITTED),
                name="media_shim_attached_is_committed",
            ),
            models.CheckConstraint(condition=Q(bytes__gte=1), name="media_shim_not_empty"),
            models.CheckConstraint(
                condition=Q(kind__in=Kind.values), name="media_shim_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(visibility__in=Visibility.values), name="media_shim_visibility_is_known"
            ),
        )

    def __str__(self) -> str:
        return self.id
