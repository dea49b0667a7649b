"""A small application whose rows have files."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from media_shim.attachable import HasMedia


class Profile(HasMedia):
    """A user, with one file in the slot `avatar`."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="profile"
    )
    tenant = models.CharField(max_length=64, null=True)

    objects: ClassVar[models.Manager["Profile"]] = models.Manager()

    def __str__(self) -> str:
        return str(self.pk)


class Post(HasMedia):
    """What a user posted: it is there with all of its files, or it is not there.

    Its id is its browser's, so that a request that is repeated makes one post. Each change of who
    sees it has a number, so that one that a network held back changes nothing.
    """

    id = models.CharField(primary_key=True, max_length=64)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    visibility = models.CharField(max_length=16)
    version = models.PositiveIntegerField(default=0)

    objects: ClassVar[models.Manager["Post"]] = models.Manager()

    def __str__(self) -> str:
        return self.id
