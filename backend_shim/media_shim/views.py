"""What `/api/media/…` and the development redirect answer."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from media_shim import attachments, conf, delivery, fields, services, wire
from media_shim.client import Opened, Presigned
from media_shim.envelope import endpoint, signed_in
from media_shim.errors import MediaNotFound
from media_shim.models import LONGEST_TARGET, MediaObject
from media_shim.tokens import DeliveryUrl
from media_shim.uploads import UploadWanted

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


@endpoint("POST", refused="media.sign_upload.rejected")
def sign_upload(request: HttpRequest) -> HttpResponse:
    """`{kind, contentType, bytes, fileName?, visibility?, album?, method?}` → an upload."""
    user = signed_in(request)
    wanted = UploadWanted.parse(fields.json_object(request))
    media, issued = services.sign_upload(user, wanted, fields.idempotency_key(request))
    return JsonResponse(_issued(media, issued), status=201)


@endpoint("POST", refused="media.upload_token.rejected")
def upload_token(request: HttpRequest) -> HttpResponse:
    """`{key}` → the same upload in pieces, with a token that lives for another hour."""
    user = signed_in(request)
    media, opened = services.renew_token(user, fields.key(fields.json_object(request)))
    return JsonResponse(_issued(media, opened))


@endpoint("POST", refused="media.commit.fail")
def commit(request: HttpRequest) -> HttpResponse:
    """`{key, attachTo?}` → the file, available and attached; with a URL, if the user may see it."""
    user = signed_in(request)
    body = fields.json_object(request)
    key = fields.key(body)
    attach_to = fields.optional_text(body, "attachTo", LONGEST_TARGET)
    media = services.commit(user, key, attach_to)
    return JsonResponse({"media": wire.file(media, _url_of(user, key))})


@endpoint("GET", "HEAD", refused="media.url.rejected")
def url(request: HttpRequest) -> HttpResponse:
    """`?key` → where the file can be loaded, and until when.

    Served as `url` and as `refresh`: whoever asks again is looked at as if for the first time.
    """
    user = signed_in(request)
    key = fields.key(request.GET.dict())
    return JsonResponse(wire.address(key, delivery.url_for(user, key)))


@endpoint("POST", refused="media.url.rejected")
def urls(request: HttpRequest) -> HttpResponse:
    """`{keys}` → for each of up to 100 files, in order, its URL or the code of what is wrong."""
    user = signed_in(request)
    keys = fields.keys(fields.json_object(request), delivery.MOST_KEYS)
    outcomes = delivery.outcomes_for(user, keys)
    return JsonResponse({"urls": [wire.outcome(key, outcomes[key]) for key in keys]})


@endpoint("DELETE", refused="media.delete.rejected")
def remove(request: HttpRequest, media_id: str) -> HttpResponse:
    """Remove a file that its user uploaded and nothing uses."""
    user = signed_in(request)
    if not conf.IDENTIFIER.fullmatch(media_id):
        raise MediaNotFound  # No file has such an id, and not every database can be asked for it.
    attachments.remove(user, media_id)
    return HttpResponse(status=204)


@endpoint("GET", "HEAD", refused="media.url.rejected")
def development_redirect(request: HttpRequest, key: str) -> HttpResponse:
    """Stand in for the Worker where `/m/…` shares the application's origin, under DEBUG alone."""
    if not settings.DEBUG:
        raise MediaNotFound
    found = delivery.url_for(signed_in(request), fields.key({"key": key}))
    return HttpResponseRedirect(found.url)


def _url_of(user: "AbstractBaseUser", key: str) -> DeliveryUrl | None:
    """Return a URL of a file that the user has just committed, or once did and may see still."""
    try:
        return delivery.url_for(user, key)
    except MediaNotFound:
        return None


def _issued(media: MediaObject, issued: Presigned | Opened) -> dict[str, object]:
    if isinstance(issued, Opened):
        return wire.transfer(media, issued, conf.current().public_url)
    return wire.upload(media, issued)
