"""The clock of the platform, which stands still while a request computes."""

import js

_now = js.Date.now


class SystemClock:
    """`ports.Clock`."""

    __slots__ = ()

    def now(self) -> int:
        return int(_now())
