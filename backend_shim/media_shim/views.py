"""What `/api/media/…` and the development redirect answer."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils import timezone

from media_shim import fields, services, wire
from media_shim.envelope import endpoint, signed_in
from media_shim.errors import MediaNotFound
from media_shim.models import LONGEST_TARGET
from media_shim.tokens import delivery_url
from media_shim.uploads import UploadWanted


@endpoint("POST", refused="media.sign_upload.rejected")
def sign_upload(request: HttpRequest) -> HttpResponse:
    """`{kind, contentType, bytes, fileName?, visibility?, album?}` → an upload that may be sent."""
    user = signed_in(request)
    wanted = UploadWanted.parse(fields.json_object(request))
    media, presigned = services.sign_upload(user, wanted)
    return JsonResponse(wire.upload(media, presigned), status=201)


@endpoint("POST", refused="media.commit.fail")
def commit(request: HttpRequest) -> HttpResponse:
    """`{key, attachTo?}` → the file, available and attached."""
    user = signed_in(request)
    body = fields.json_object(request)
    key = fields.key(body)
    attach_to = fields.optional_text(body, "attachTo", LONGEST_TARGET)
    media = services.commit(user, key, attach_to)
    return JsonResponse({"media": wire.file(media, delivery_url(media, user, timezone.now()))})


@endpoint("GET", "HEAD", refused="media.url.rejected")
def url(request: HttpRequest) -> HttpResponse:
    """`?key` → where the file can be loaded, and until when.

    Served as `url` and as `refresh`: whoever asks again is looked at as if for the first time.
    """
    user = signed_in(request)
    media, delivery = services.url_for(user, fields.key(request.GET.dict()))
    return JsonResponse(wire.address(media, delivery))


@endpoint("GET", "HEAD", refused="media.url.rejected")
def development_redirect(request: HttpRequest, key: str) -> HttpResponse:
    """Stand in for the Worker where `/m/…` shares the application's origin, under DEBUG alone."""
    if not settings.DEBUG:
        raise MediaNotFound
    _, delivery = services.url_for(signed_in(request), fields.key({"key": key}))
    return HttpResponseRedirect(delivery.url)
