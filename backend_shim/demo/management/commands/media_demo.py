"""`manage.py media_demo`: fill a user's gallery, by the way that a browser goes.

Sign, PUT, commit with `attachTo`. Each upload has a name of its own, so running it again makes only
what is missing, and goes on where it was interrupted.
"""

from argparse import ArgumentParser
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import httpx
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from demo.access import gallery_of
from demo.pictures import film, sky
from media_shim import services
from media_shim.errors import ShimError
from media_shim.models import LEFT, MediaObject
from media_shim.uploads import UploadWanted

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from media_shim.client import Presigned

MOST = 60
"""As many as the gallery shows."""


class Command(BaseCommand):
    help = "Upload pictures, and a film where there is ffmpeg, into a user's gallery."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", default="alice", help="whose gallery (alice)")
        parser.add_argument("--count", type=int, default=12, help="how many pictures (12)")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        user = get_user_model().objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"there is no {options['user']}: run manage.py demo_users")
        count = options["count"]
        if not 0 <= count <= MOST:
            raise CommandError(f"--count must be 0 to {MOST}")
        names = [f"demo-{number:02}.png" for number in range(1, count + 1)]
        there = set(
            MediaObject.objects.owned_by(user).committed().values_list("file_name", flat=True)
        )
        for number, name in enumerate(names, start=1):
            if name not in there:
                self._bring(user, name, "image/png", sky(number))
            self.stdout.write(f"{number:>3}/{count} {name}{' (there)' if name in there else ''}")
        if "demo-film.mp4" in there:
            self.stdout.write("        demo-film.mp4 (there)")
        elif (content := film()) is not None:
            self._bring(user, "demo-film.mp4", "video/mp4", content)
            self.stdout.write("        demo-film.mp4")
        else:
            self.stdout.write("        no film: there is no ffmpeg")

    def _bring(self, user: "User", name: str, content_type: str, content: bytes) -> None:
        wanted = UploadWanted.parse(
            {
                "kind": content_type.partition("/")[0],
                "contentType": content_type,
                "bytes": len(content),
                "fileName": name,
            }
        )
        # What was deleted comes back as another file, for which another request asks.
        deleted = MediaObject.objects.filter(
            worker_user=str(user.pk), file_name=name, status__in=LEFT
        ).count()
        request = f"media-demo-{user.pk}-{deleted}-{name}"
        try:
            media, issued = services.sign_upload(user, wanted, request)
            upload = cast("Presigned", issued)  # Nobody asked for pieces.
            stored = httpx.put(upload.url, headers=upload.headers, content=content, timeout=60)
            if stored.status_code != HTTPStatus.PRECONDITION_FAILED:  # It is stored already.
                stored.raise_for_status()
            services.commit(user, media.key, gallery_of(user))
        except ShimError as error:
            raise CommandError(f"{name}: {error.message}") from None
        except httpx.HTTPError as error:
            raise CommandError(f"{name} was not stored: {type(error).__name__}") from None
