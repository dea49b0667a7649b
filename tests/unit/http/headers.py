"""Headers as a request has them."""

from collections.abc import Mapping


class Headers:
    """Looks a header up, whatever its capitals."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = {name.lower(): value for name, value in headers.items()}

    def get(self, name: str, /) -> str | None:
        return self._headers.get(name.lower())
