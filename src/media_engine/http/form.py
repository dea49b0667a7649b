"""Forms: what a body of `multipart/form-data` says of itself and of its fields (RFC 7578).

The bytes between the boundaries are found by `ports.Form`; here is what the text around them means.
"""

import re
from dataclasses import dataclass
from typing import Final

from media_engine.errors import InvalidField

# RFC 2046 §5.1.1. A space cannot be the last character.
_BOUNDARY: Final = re.compile(r"[A-Za-z0-9'()+_,./:=? -]{0,69}[A-Za-z0-9'()+_,./:=?-]")

# Browsers write %22 for a quotation mark and leave a backslash alone; others escape with one.
_PARAMETER: Final = re.compile(
    r';\s*([A-Za-z*]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))', re.DOTALL
)


@dataclass(frozen=True, slots=True)
class FormField:
    """The head of a field.

    Attributes:
        name: its name.
        file_name: what the client calls the file, or None where it is none.
        content_type: the file's type in small letters, without parameters; empty if none is said.
    """

    name: str
    file_name: str | None
    content_type: str

    @property
    def is_file(self) -> bool:
        """Whether it is a file, and not a value."""
        return self.file_name is not None


def boundary_of(content_type: str | None) -> str:
    """Return what is between the fields of a form.

    Args:
        content_type: the request's Content-Type, or None.

    Raises:
        InvalidField: the body is no form, or it has no such boundary.
    """
    kind, _, _ = (content_type or "").partition(";")
    if kind.strip().lower() != "multipart/form-data":
        raise InvalidField("content-type", "must be multipart/form-data")
    boundary = _parameters(content_type or "").get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise InvalidField("content-type", "must have a boundary of 1 to 70 characters")
    return boundary


def parse_head(head: str) -> FormField:
    """Read the header lines of a field.

    Raises:
        InvalidField: the field has no name.
    """
    lines: dict[str, str] = {}
    for line in head.split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            lines.setdefault(name.strip().lower(), value.strip())
    parameters = _parameters(lines.get("content-disposition", ""))
    if "name" not in parameters:
        raise InvalidField("body", "has a field without a name")
    content_type = lines.get("content-type", "").partition(";")[0].strip().lower()
    return FormField(parameters["name"], parameters.get("filename"), content_type)


def _parameters(value: str) -> dict[str, str]:
    """Return the parameters of a header's value; of two with one name the first counts."""
    found: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(value):
        text = re.sub(r'\\(["\\])', r"\1", quoted) if quoted else plain
        found.setdefault(name.lower(), text.replace("%22", '"'))
    return found
