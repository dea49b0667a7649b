"""What the application does with files, each as its documentation says that it is done."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from media_shim import fields, services
from media_shim.attachments import remove_all_of, set_visibility
from media_shim.envelope import endpoint, signed_in
from media_shim.errors import MediaNotFound
from tests.faults.app.models import Post, Profile


def health(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Say that there is somebody; ask nobody."""
    return HttpResponse("ok")


@endpoint("POST", refused="post.create.rejected")
def create(request: HttpRequest) -> HttpResponse:
    """`{id, keys, visibility}`: commit the files, then make the post with all of them."""
    user = signed_in(request)
    body = fields.json_object(request)
    keys = body["keys"]
    assert isinstance(keys, list)
    services.commit_all(user, keys)
    with transaction.atomic():
        post, _ = Post.objects.get_or_create(
            pk=body["id"], defaults={"author": user, "visibility": body["visibility"]}
        )
        if post.author != user:
            raise MediaNotFound
        post.attach_media(keys, by=user, visibility=str(body["visibility"]))
    return JsonResponse({"id": post.pk})


@endpoint("POST", refused="post.delete.rejected")
def delete(request: HttpRequest, post: str) -> HttpResponse:
    """Delete the post; its files go with it."""
    user = signed_in(request)
    with transaction.atomic():
        found = Post.objects.select_for_update().filter(pk=post, author=user).first()
        if found is not None:
            found.delete()
    return HttpResponse(status=204)


@endpoint("POST", refused="post.visibility.rejected")
def visibility(request: HttpRequest, post: str) -> HttpResponse:
    """`{visibility, version}`: show the post to others than before."""
    user = signed_in(request)
    body = fields.json_object(request)
    version = body["version"]
    assert isinstance(version, int)
    with transaction.atomic():
        found = Post.objects.select_for_update().filter(pk=post, author=user).first()
        if found is None:
            raise MediaNotFound
        if version > found.version:
            found.version, found.visibility = version, str(body["visibility"])
            found.save()
            set_visibility(found, found.visibility)
    return HttpResponse(status=204)


@endpoint("POST", refused="avatar.rejected")
def avatar(request: HttpRequest) -> HttpResponse:
    """`{key}`: show this instead of the picture before."""
    user = signed_in(request)
    key = fields.key(fields.json_object(request))
    services.commit(user, key)
    Profile.objects.get(user=user).replace_media(key, by=user)
    return HttpResponse(status=204)


@endpoint("POST", refused="account.rejected")
def close_account(request: HttpRequest) -> HttpResponse:
    """Forget the user, with everything of theirs."""
    user = signed_in(request)
    with transaction.atomic():
        remove_all_of(user)
        user.delete()
    return HttpResponse(status=204)
