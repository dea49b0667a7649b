"""What a rate limiter promises, which is not much: it is a brake."""

from typing import Protocol

from media_engine.ports import RateLimiter

MOST = 3
"""How many events of a key the limiter of a harness lets pass in a minute."""


class RateLimiterHarness(Protocol):
    """A limiter that lets `MOST` pass, and one where there is no limit."""

    limiter: RateLimiter
    unlimited: RateLimiter


async def _passed(limiter: RateLimiter, key: str) -> int:
    """Return how many events of a key pass before one does not.

    The minute may end meanwhile, and another begin.
    """
    for passed in range(2 * MOST + 1):
        if not await limiter.allow(key):
            return passed
    raise AssertionError("there is no limit")


async def so_many_pass_and_then_no_more(harness: RateLimiterHarness) -> None:
    assert MOST <= await _passed(harness.limiter, "203.0.113.1") <= 2 * MOST


async def a_key_does_not_count_for_another(harness: RateLimiterHarness) -> None:
    await _passed(harness.limiter, "203.0.113.2")
    assert await harness.limiter.allow("203.0.113.3")


async def any_text_is_a_key(harness: RateLimiterHarness) -> None:
    for key in ("2001:db8::/64", "unknown", "ü 😀\n", "x" * 500):
        assert await harness.limiter.allow(key)


async def where_there_is_no_limit_all_pass(harness: RateLimiterHarness) -> None:
    for _ in range(10 * MOST):
        assert await harness.unlimited.allow("203.0.113.4")


CASES = (
    so_many_pass_and_then_no_more,
    a_key_does_not_count_for_another,
    any_text_is_a_key,
    where_there_is_no_limit_all_pass,
)
