"""Signing in and out, and the files of whoever is signed in."""

from typing import TYPE_CHECKING

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.generic import TemplateView

from demo.access import gallery_of, tenant_of
from media_shim import delivery, fields, wire
from media_shim.envelope import endpoint, signed_in
from media_shim.errors import ShimError
from media_shim.models import MediaObject

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, User

GALLERY_SIZE = 60
LONGEST_CREDENTIAL = 150
"""Of a user name or a password, in characters."""


@method_decorator(ensure_csrf_cookie, name="dispatch")
class Page(TemplateView):
    template_name = "demo/index.html"


class CredentialsRefused(ShimError):
    code = "CREDENTIALS_REFUSED"
    status = 401

    def __init__(self) -> None:
        super().__init__("There is no user with this name and password.")


def health(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Answer that the application runs. Neither the database nor the Worker is asked."""
    return JsonResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


@ensure_csrf_cookie
@endpoint("GET", "HEAD", "POST", "DELETE", refused="demo.session.rejected")
def session(request: HttpRequest) -> HttpResponse:
    """Tell who is signed in; `POST {username, password}` signs in, `DELETE` signs out."""
    match request.method:
        case "POST":
            login(request, _authenticated(request))
        case "DELETE":
            logout(request)
    return JsonResponse({"user": _user(request.user) if request.user.is_authenticated else None})


@endpoint("GET", "HEAD", refused="demo.gallery.rejected")
def gallery(request: HttpRequest) -> HttpResponse:
    """List the user's newest files, each with a fresh URL."""
    user, now = signed_in(request), timezone.now()
    newest = MediaObject.objects.owned_by(user).committed().order_by("-created_at", "-id")
    items = [wire.file(media, delivery.mint(media, user, now)) for media in newest[:GALLERY_SIZE]]
    return JsonResponse({"items": items})


def _authenticated(request: HttpRequest) -> "User":
    body = fields.json_object(request)
    fields.require(body, "username", "password")
    user = authenticate(
        request,
        username=fields.text(body, "username", LONGEST_CREDENTIAL),
        password=fields.text(body, "password", LONGEST_CREDENTIAL),
    )
    if user is None:
        raise CredentialsRefused
    return user


def _user(user: "AbstractBaseUser") -> dict[str, object]:
    return {
        "id": user.pk,
        "username": user.get_username(),
        "tenant": tenant_of(user),
        "gallery": gallery_of(user),
    }
