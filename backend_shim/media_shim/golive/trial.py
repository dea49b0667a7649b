"""The files that are uploaded to find out, and how they go away again.

Whatever is asked for is asked under a name (`Idempotency-Key`) that is written down first. So an
upload of which nothing more is known, because somebody interrupted at that moment, can be asked for
again when everything is taken away: the same name gives the same upload.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_hex
from typing import Final

import httpx
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone

from media_shim import delivery
from media_shim.client import Identity, MediaClient, Presigned, Wanted
from media_shim.conf import ShimSettings
from media_shim.errors import NotConfigured, ShimError, WorkerRefused
from media_shim.golive.picture import CONTENT_TYPE, noise
from media_shim.models import MediaObject, Status
from media_shim.uploads import Kind, Visibility

USER: Final = "media-golive"
"""Who uploads, as the Worker knows them: no user of the application's."""


@dataclass
class Upload:
    """One file, or what is to become one.

    Attributes:
        name: under which it was asked for.
        client: who asked.
        wanted: what was asked for.
        presigned: what was answered; None before that.
    """

    name: str
    client: MediaClient
    wanted: Wanted
    presigned: Presigned | None = None

    @property
    def issued(self) -> Presigned:
        """What was answered; it is there."""
        if self.presigned is None:
            raise LookupError("nothing was issued")
        return self.presigned

    @property
    def media(self) -> MediaObject:
        """The file as a row of the application's would have it. It is not saved."""
        return MediaObject(
            id=self.issued.media_id,
            key=self.issued.key,
            kind=Kind.IMAGE,
            visibility=self.wanted.visibility,
            delivered_visibility=self.wanted.visibility,
            status=Status.COMMITTED,
        )


@dataclass
class Trial:
    """What is at hand while a deployment is tried.

    Attributes:
        shim: the settings.
        http: asks as a browser would.
        identity: whose files these are.
        viewer: for whom URLs are minted.
        content: what is uploaded.
        uploads: everything that was asked for, and is not known to be gone.
    """

    shim: ShimSettings
    http: httpx.Client
    identity: Identity
    viewer: AbstractBaseUser = field(default_factory=lambda: get_user_model()())
    content: bytes = field(default_factory=noise)
    uploads: list[Upload] = field(default_factory=list)

    @contextmanager
    def client(self, gateway_key: str | None = None) -> Iterator[MediaClient]:
        """Give a client of the Worker, with its own key or with another one."""
        shim = self.shim
        client = MediaClient(
            shim.worker_url, gateway_key or shim.gateway_key, shim.shim_id, shim.timeout
        )
        try:
            yield client
        finally:
            client.close()

    def sign(self, client: MediaClient, visibility: Visibility = Visibility.PRIVATE) -> Upload:
        """Ask for an upload. Raises as `MediaClient.presign`."""
        wanted = Wanted(
            file_name="media-golive.png",
            content_type=CONTENT_TYPE,
            file_size=len(self.content),
            service=self.shim.service,
            visibility=visibility,
        )
        upload = Upload(f"media-golive-{token_hex(16)}", client, wanted)
        self.uploads.append(upload)
        try:
            upload.presigned = client.presign(self.identity, wanted, upload.name)
        except (WorkerRefused, NotConfigured):
            self.uploads.remove(upload)
            raise
        return upload

    def put(self, upload: Upload, origin: str | None = None) -> httpx.Response:
        """Send the bytes, as a page of this origin."""
        issued = upload.issued
        headers = {**issued.headers, **({} if origin is None else {"origin": origin})}
        return self.http.put(issued.url, headers=headers, content=self.content)

    def mint(self, media: MediaObject, now: datetime | None = None) -> str:
        """Return a URL of a file, as the application mints it: now, or at another time."""
        return delivery.mint(media, self.viewer, now or timezone.now()).url

    def bare_url(self, media: MediaObject) -> str:
        """Return where a file is, without a token."""
        return self.mint(media).partition("?")[0]

    def remove(self, upload: Upload, client: MediaClient) -> None:
        """Delete a file, or give an upload up. Raises as `MediaClient.delete`."""
        revision = int(timezone.now().timestamp() * 1_000_000)
        client.delete(self.identity, upload.issued.media_id, revision)
        self.uploads.remove(upload)

    def clear(self, client: MediaClient) -> list[ShimError]:
        """Delete whatever may be left. Return why something could not be deleted."""
        failures: list[ShimError] = []
        for upload in list(self.uploads):
            try:
                if upload.presigned is None:
                    upload.presigned = client.presign(self.identity, upload.wanted, upload.name)
                self.remove(upload, client)
            except WorkerRefused as refused:
                if refused.code != "MEDIA_GONE":
                    failures.append(refused)
            except ShimError as error:
                failures.append(error)
        return failures
