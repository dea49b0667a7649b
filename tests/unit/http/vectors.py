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
    ranges: tuple[str, ...]

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
            # The Worker does not ignore Range where a vector says what it would then send.
            status=206 if "parts" in case["expect"] else case["expect"]["status"],
            ranges=tuple(case["expect"].get("parts") or _single(case["expect"])),
        )
        for case in vectors["cases"]
    ]


def _single(expected: Mapping[str, Any]) -> list[str]:
    return [expected["contentRange"]] if "contentRange" in expected else []


def received(headers: Mapping[str, str], body: bytes) -> list[tuple[str, bytes]]:
    """Take a 206 apart, strictly.

    Args:
        headers: the answer's.
        body: the answer's.

    Returns:
        The Content-Range and the bytes of each part.
    """
    media_type, _, boundary = headers["Content-Type"].partition("; boundary=")
    if media_type != "multipart/byteranges":
        return [(headers["Content-Range"], body)]
    assert "Content-Range" not in headers
    first, *parts, last = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    assert (first, last) == (b"", b"--\r\n")
    return [_part(part) for part in parts]


def _part(text: bytes) -> tuple[str, bytes]:
    head, _, content = text.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode("ascii").split("\r\n"))
    assert fields.keys() == {"Content-Type", "Content-Range"}
    return fields["Content-Range"], content


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
