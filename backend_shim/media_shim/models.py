"""What the application knows of the files that its users uploaded, and what the Worker must hear.

A file's row is made when the Worker has issued an upload (`pending`), becomes `committed` when the
Worker has found the bytes and looked at them, and may then be attached, once and for ever, to
something of the application's. When the application lets go of it the row is `removing`, from the
transaction that says so on, and `removed` when the Worker has answered that the bytes are gone:

    pending ──→ committed ──→ removing ──→ removed
       └──────────────────────────↗

Who may see a file is decided from this row and the application's own. What has to reach the Worker
is a row too (`OutboxEntry`), written in the transaction that decides it: both are there or neither.
"""

from typing import TYPE_CHECKING, ClassVar, TypeVar

from django.conf import settings
from django.db import models, router
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
    REMOVING = "removing"
    REMOVED = "removed"


LEFT = (Status.REMOVING, Status.REMOVED)
"""A file that is one of these is never shown again."""


class Removal(models.TextChoices):
    """Why a file goes."""

    DELETED = "deleted", "its user or the application deleted it"
    REPLACED = "replaced", "another file took its place"
    UNATTACHED = "unattached", "nothing of the application's used it"
    ABANDONED = "abandoned", "its upload was never committed"
    PUBLISHED = "published", "it was published elsewhere, and its row is kept"
    ACCOUNT = "account", "all files of its user went"


_Row = TypeVar("_Row", bound=models.Model)


class _Primary(models.Manager[_Row]):
    """Asks the database that is written to, also where a router sends reads to another one.

    A replica is late. What was removed would have URLs there for a while, and what was just
    attached would seem to be attached to nothing.
    """

    def get_queryset(self) -> "models.QuerySet[_Row]":
        return super().get_queryset().using(self._db or router.db_for_write(self.model))


class MediaQuerySet(models.QuerySet["MediaObject"]):
    def owned_by(self, user: "AbstractBaseUser") -> "MediaQuerySet":
        """Only what this user uploaded; of somebody who has no id, nothing.

        To a database no owner is what a removed account's files have.
        """
        return self.none() if user.pk is None else self.filter(owner_id=user.pk)

    def committed(self) -> "MediaQuerySet":
        """Only what is there to be seen."""
        return self.filter(status=Status.COMMITTED)


MediaManager = _Primary.from_queryset(MediaQuerySet)


class MediaObject(models.Model):
    """A file: its bytes are in the Worker's store, under `key`.

    An owner cannot be deleted while there are files of theirs, because a file whose row is gone is
    one that nobody would ever delete: `attachments.remove_all_of` comes first.
    """

    id = models.CharField("media id", primary_key=True, max_length=64)
    key = models.CharField(max_length=LONGEST_KEY, unique=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="media_objects",
        help_text="Nobody, once all files of the user were removed.",
    )
    worker_user = models.CharField(
        max_length=64, help_text="The uploader, as the Worker knows them."
    )
    tenant = models.CharField(
        max_length=64, null=True, blank=True, help_text="The owner's, when the file was uploaded."
    )
    kind = models.CharField(max_length=16, choices=Kind.choices)
    content_type = models.CharField(max_length=64)
    bytes = models.PositiveBigIntegerField()
    file_name = models.CharField(max_length=1024)
    visibility = models.CharField(max_length=16, choices=Visibility.choices)
    delivered_visibility = models.CharField(
        max_length=16,
        choices=Visibility.choices,
        help_text="What the Worker is known to have: a change is on its way where they differ.",
    )
    revision = models.PositiveBigIntegerField(
        default=0, help_text="Grows with every change that the Worker must hear of."
    )
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    attached_to = models.CharField(
        max_length=LONGEST_TARGET,
        null=True,
        blank=True,
        db_index=True,
        help_text="What of the application the file belongs to, such as blog.post:17.",
    )
    position = models.PositiveIntegerField(
        default=0, help_text="Its place among the files that are attached to the same."
    )
    removal_reason = models.CharField(max_length=16, choices=Removal.choices, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    committed_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = MediaManager()

    class Meta:
        verbose_name = "media object"
        indexes = (
            models.Index(fields=["owner", "status", "-created_at"], name="media_shim_owner_newest"),
            models.Index(fields=["status", "updated_at"], name="media_shim_by_status"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(status=Status.PENDING, committed_at=None)
                | Q(status=Status.COMMITTED, committed_at__isnull=False)
                | Q(status__in=LEFT),
                name="media_shim_committed_has_time",
            ),
            models.CheckConstraint(
                condition=Q(attached_to=None) | ~Q(status=Status.PENDING),
                name="media_shim_attached_is_committed",
            ),
            models.CheckConstraint(
                condition=Q(status__in=LEFT, removal_reason__isnull=False)
                | (~Q(status__in=LEFT) & Q(removal_reason=None)),
                name="media_shim_removal_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.REMOVED, removed_at__isnull=False)
                | (~Q(status=Status.REMOVED) & Q(removed_at=None)),
                name="media_shim_removed_has_time",
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


class Action(models.TextChoices):
    """What the Worker must hear."""

    DELETE = "delete"
    VISIBILITY = "visibility"


class Delivery(models.TextChoices):
    WAITING = "waiting"
    DEAD = "dead", "the Worker keeps refusing it"


class OutboxEntry(models.Model):
    """A change that must reach the Worker. The row goes when the Worker has answered.

    The order of what concerns one file is the order of the ids.
    """

    media = models.ForeignKey(MediaObject, on_delete=models.PROTECT, related_name="outbox")
    action = models.CharField(max_length=16, choices=Action.choices)
    visibility = models.CharField(max_length=16, choices=Visibility.choices, null=True, blank=True)
    revision = models.PositiveBigIntegerField()
    state = models.CharField(max_length=16, choices=Delivery.choices, default=Delivery.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    refusals = models.PositiveIntegerField(
        default=0, help_text="How many of the attempts the Worker understood and refused."
    )
    due_at = models.DateTimeField(help_text="Not to be tried before.")
    claim = models.UUIDField(null=True, blank=True, help_text="Who is delivering it now.")
    claimed_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(
        max_length=200, blank=True, help_text="Why the last attempt failed: a code, and no secret."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["OutboxEntry"]] = _Primary()

    class Meta:
        verbose_name = "outbox entry"
        verbose_name_plural = "outbox entries"
        indexes = (
            models.Index(fields=["state", "due_at"], name="media_shim_outbox_due"),
            models.Index(fields=["media", "id"], name="media_shim_outbox_order"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(action=Action.DELETE, visibility=None)
                | Q(action=Action.VISIBILITY, visibility__in=Visibility.values),
                name="media_shim_outbox_says_what",
            ),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.media_id}"


class Found(models.TextChoices):
    """What the application did not know."""

    ROW = "row", "the Worker had a file that the application does not know"
    OBJECT = "object", "the store had an object that nobody knows"


class QuarantinedFile(models.Model):
    """A file of ours that the application does not know: private, kept, and waiting for a person.

    They release it to a user or delete it (`quarantine`). Nothing else ever ends it.
    """

    key = models.CharField(max_length=LONGEST_KEY, unique=True)
    media_id = models.CharField("media id", max_length=64)
    worker_user = models.CharField(max_length=64, help_text="As whom the Worker is asked about it.")
    tenant = models.CharField(max_length=64, null=True, blank=True)
    content_type = models.CharField(max_length=64)
    bytes = models.PositiveBigIntegerField()
    file_name = models.CharField(max_length=1024)
    revision = models.PositiveBigIntegerField(help_text="Of the change that made it private.")
    found = models.CharField("why", max_length=16, choices=Found.choices)
    found_at = models.DateTimeField()

    objects: ClassVar[models.Manager["QuarantinedFile"]] = _Primary()

    class Meta:
        verbose_name = "quarantined file"
        ordering = ("-found_at", "key")

    def __str__(self) -> str:
        return self.key
