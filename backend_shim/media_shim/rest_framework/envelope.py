"""What DRF refuses, in the shim's envelope; and what the shim raises in views of DRF's."""

import math
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework import exceptions
from rest_framework.views import exception_handler, set_rollback

from media_shim.envelope import refusal
from media_shim.errors import CsrfFailed, ShimError, Unauthorized

EVENT = "media.rest_framework.rejected"
"""Under which the log has a request that DRF let through to nobody."""


class Refused(ShimError):
    """DRF refused, by what the application has put in front.

    Args:
        error: what it raised.
    """

    def __init__(self, error: exceptions.APIException) -> None:
        super().__init__(str(error.detail))
        self.status = error.status_code
        self.code = "FORBIDDEN" if self.status == 403 else str(error.default_code).upper()
        self._wait = getattr(error, "wait", None)
        if isinstance(error, exceptions.Throttled):
            self.code = "RATE_LIMITED"

    @property
    def headers(self) -> Mapping[str, str]:
        return {} if self._wait is None else {"Retry-After": str(math.ceil(self._wait))}


def translated(error: exceptions.APIException) -> ShimError:
    """Return the shim's error for DRF's."""
    if isinstance(error, (exceptions.NotAuthenticated, exceptions.AuthenticationFailed)):
        return Unauthorized()
    if isinstance(error, exceptions.PermissionDenied) and "CSRF" in str(error.detail):
        return CsrfFailed(reason=str(error.detail))
    return Refused(error)


def handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Answer what the shim raises in a view of the application's; leave the rest to DRF.

    This is DRF's `EXCEPTION_HANDLER`.
    """
    if isinstance(error, ShimError):
        # An answer commits what ATOMIC_REQUESTS has begun: a post without its files.
        set_rollback()
        return refusal(context["request"]._request, error, EVENT)
    response: HttpResponse | None = exception_handler(error, context)
    return response
