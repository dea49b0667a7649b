"""Reads the vectors of requests, and fills them in for the object at hand."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parents[2] / "vectors"


@dataclass(frozen=True)
class StoredFile:
    """The object that is asked for.

    Attributes:
        size: its length in bytes.
        etag: its entity tag, with the quotes.
        last_modified: in seconds since 1970.
    """

    size: int
    etag: str
    last_modified: int


@dataclass(frozen=True)
class Case:
    """One request, and what must be answered."""

    name: str
    method: str
    headers: Mapping[str, str]
    file: StoredFile
    status: int
    content_range: str | None
    parts: tuple[str, ...]

    def headers_for(self, file: StoredFile) -> dict[str, str]:
        """Return the request's headers, with the validators of an object in their places."""
        return {name: _fill(value, file) for name, value in self.headers.items()}


def read(name: str) -> dict[str, Any]:
    """Return a file of vectors as it is."""
    vectors: dict[str, Any] = json.loads((_FOLDER / name).read_text(encoding="utf-8"))
    return vectors


def requests(name: str) -> list[Case]:
    """Return the cases of `ranges.json` or `conditional.json`."""
    vectors = read(name)
    usual = vectors["object"]
    return [
        Case(
            name=case["name"],
            method=case.get("method", "GET"),
            headers=case["headers"],
            file=StoredFile(case.get("size", usual["size"]), usual["etag"], usual["lastModified"]),
            status=case["expect"]["status"],
            content_range=case["expect"].get("contentRange"),
            parts=tuple(case["expect"].get("parts", ())),
        )
        for case in vectors["cases"]
    ]


def _fill(value: str, file: StoredFile) -> str:
    instant = datetime.fromtimestamp(file.last_modified, UTC)
    second = timedelta(seconds=1)
    fillings = {
        "{etag}": file.etag,
        "{opaque}": file.etag.strip('"'),
        "{lastModified}": f"{instant:%a, %d %b %Y %H:%M:%S} GMT",
        "{lastModified-1s}": f"{instant - second:%a, %d %b %Y %H:%M:%S} GMT",
        "{lastModified+1s}": f"{instant + second:%a, %d %b %Y %H:%M:%S} GMT",
        "{lastModified rfc850}": f"{instant:%A, %d-%b-%y %H:%M:%S} GMT",
        "{lastModified asctime}": f"{instant:%a %b} {instant.day:2} {instant:%H:%M:%S %Y}",
    }
    for placeholder, filling in fillings.items():
        value = value.replace(placeholder, filling)
    return value
