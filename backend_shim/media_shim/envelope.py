"""Makes a view an endpoint: JSON out, errors as the envelope, nothing ever cached.

A view raises what is wrong; here it becomes `{"error", "code", "status", "requestId", …}`, and a
line of the log with the same request id. What is not a `ShimError` is a bug: it is counted, and
left to Django, which reports it.
"""

import functools
import logging
from collections.abc import Callable
from secrets import token_hex
from typing import TYPE_CHECKING, Protocol

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from media_shim.errors import CsrfFailed, MethodNotAllowed, ShimError, Unauthorized

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

logger = logging.getLogger("media_shim")


class View(Protocol):
    def __call__(self, request: HttpRequest, /, **path: str) -> HttpResponse: ...


def endpoint(*methods: str, refused: str) -> Callable[[Callable[..., HttpResponse]], View]:
    """Make a view an endpoint.

    It never runs in a transaction that `ATOMIC_REQUESTS` opened: the services open their own, and
    ask the Worker outside of them.

    Args:
        *methods: what it answers to.
        refused: the event under which the log has a request that was not granted.
    """

    def decorate(view: Callable[..., HttpResponse]) -> View:
        @transaction.non_atomic_requests
        @functools.wraps(view)
        def answer(request: HttpRequest, /, **path: str) -> HttpResponse:
            request_id = token_hex(8)
            try:
                if request.method not in methods:
                    raise MethodNotAllowed(methods)
                response = view(request, **path)
            except ShimError as error:
                response = _refuse(request, error, request_id, refused)
            except Exception:
                facts = {"request_id": request_id, "code": "INTERNAL_ERROR", "status": 500}
                logger.error(refused, extra=facts)
                raise
            response["Cache-Control"] = "no-store"
            return response

        return answer

    return decorate


def signed_in(request: HttpRequest) -> "AbstractBaseUser":
    """Return the session's user.

    Raises:
        Unauthorized: nobody is signed in.
    """
    # DRF may be told to have None for nobody (UNAUTHENTICATED_USER).
    if request.user is None or not request.user.is_authenticated:
        raise Unauthorized
    return request.user


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a request without a valid CSRF token as everything else here: `CSRF_FAILURE_VIEW`."""
    return refusal(request, CsrfFailed(reason=reason), "media.csrf.rejected")


def refusal(request: HttpRequest, error: ShimError, refused: str) -> HttpResponse:
    """Return the envelope of an error, which nobody caches; and log it under this event."""
    response = _refuse(request, error, token_hex(8), refused)
    response["Cache-Control"] = "no-store"
    return response


def _refuse(request: HttpRequest, error: ShimError, request_id: str, event: str) -> HttpResponse:
    facts = {
        "request_id": request_id,
        "code": error.code,
        "status": error.status,
        "reason": error.reason,
        "user_id": getattr(request.user, "pk", None),
    }
    logger.log(logging.ERROR if error.status >= 500 else logging.WARNING, event, extra=facts)
    body = {
        "error": error.message,
        "code": error.code,
        "status": error.status,
        "requestId": request_id,
        **error.details,
    }
    return JsonResponse(body, status=error.status, headers=dict(error.headers))
