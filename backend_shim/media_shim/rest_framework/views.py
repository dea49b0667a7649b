"""The shim's endpoints behind DRF's authentication, permissions and throttles."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.views import APIView

from media_shim.envelope import View, refusal
from media_shim.errors import Unauthorized
from media_shim.rest_framework.envelope import EVENT, translated


class Endpoint(APIView):
    """Lets DRF find out who asks, and how often; then one of the shim's own views answers.

    What it takes, gives and refuses is decided there and nowhere else. CSRF is DRF's to check, by
    whatever authenticated: a session needs it, a token does not.
    """

    view: View | None = None
    """Which of them. `as_view` is given it."""

    def handle(self, request: Request, **path: str) -> HttpResponse:
        # DRF has put the user that it found into Django's request, too.
        if self.view is None:
            raise NotImplementedError
        return self.view(request._request, **path)

    get = head = post = put = patch = delete = options = handle

    def handle_exception(self, exc: Exception) -> HttpResponse:
        if not isinstance(exc, APIException):
            raise exc
        error = translated(exc)
        response = refusal(self.request._request, error, EVENT)
        challenge = self.get_authenticate_header(self.request)
        if isinstance(error, Unauthorized) and challenge:
            response["WWW-Authenticate"] = challenge
        return response

    def perform_content_negotiation(
        self,
        request: Request,  # noqa: ARG002
        force: bool = False,  # noqa: ARG002
    ) -> tuple[Any, str]:
        """Answer JSON, whatever is asked for."""
        return self.get_renderers()[0], "application/json"

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Add nothing: the shim's view has said it all."""
        return {}


def behind_drf(view: View) -> View:
    """Return one of the shim's views, behind DRF."""
    made: View = Endpoint.as_view(view=view)
    return transaction.non_atomic_requests(made)
