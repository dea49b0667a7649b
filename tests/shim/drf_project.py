"""An application on DRF: the shim's endpoints, and one of its own that takes files."""

import re
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.urls import include, path
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from media_shim import attachments, services
from media_shim.rest_framework.fields import MediaKeysField
from runtime.process import ROOT

README = (ROOT / "backend_shim" / "README.md").read_text(encoding="utf-8")

(_recipe,) = re.findall(r"^```python\n(class PostSerializer.*?)^```$", README, re.M | re.S)
_names: dict[str, Any] = {
    "Post": Group,  # Any model will do; a post here has a name alone.
    "serializers": serializers,
    "MediaKeysField": MediaKeysField,
    "services": services,
    "attachments": attachments,
    "transaction": transaction,
}
exec(_recipe, _names)


class Posts(generics.CreateAPIView):
    serializer_class = _names["PostSerializer"]


class PostsInTheRequestsTransaction(APIView):
    """Leaves the transaction to ATOMIC_REQUESTS."""

    def post(self, request: Request) -> Response:
        post = Group.objects.create(name=request.data["name"])
        attachments.attach(post, request.data["media"], by=request.user)
        return Response(status=201)


class ThreeAnHour(SimpleRateThrottle):
    rate = "3/hour"

    def get_cache_key(self, request: Any, view: object) -> str:  # noqa: ARG002
        return f"three-{request.user.pk}"


urlpatterns = [
    path("", include("media_shim.rest_framework.urls")),
    path("posts", Posts.as_view()),
    path("posts-in-the-requests-transaction", PostsInTheRequestsTransaction.as_view()),
]
