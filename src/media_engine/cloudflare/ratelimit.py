"""A rate limit on the platform's binding for it."""

from typing import Any

from pyodide.ffi import JsException

from media_engine.cloudflare.carrier import call
from media_engine.cloudflare.convert import failure, to_object
from media_engine.cloudflare.log import write_line


class WorkerdRateLimiter:
    """`ports.RateLimiter` on a binding of `[[ratelimits]]`, which says how much is too much.

    Args:
        binding: the raw binding, or None where there is no limit.
    """

    __slots__ = ("_binding",)

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def allow(self, key: str, /) -> bool:
        if self._binding is None:
            return True
        try:
            outcome = await call(self._binding, "limit", to_object({"key": key}))
        except JsException as error:
            # A brake that fails must not stop the road.
            write_line({"level": "error", "event": "media.unlimited", "reason": failure(error)})
            return True
        return bool(outcome.success)
