"""What an uploaded file is called when somebody saves it.

The end of a name decides what a computer opens a file with. A picture may carry HTML in a comment
or an archive behind its end; here it is served as a picture, but saved as `photo.jpg   .html` it
would be opened as what its name says, from the disk and with a disk's rights. So a name ends as
its type does, and what it ended with before is kept in front of that.
"""

from collections.abc import Mapping
from typing import Final

from media_engine.http.disposition import clean_filename
from media_engine.uploads.model import MEDIA_TYPES

EXTENSIONS: Final[Mapping[str, frozenset[str]]] = {
    "image/jpeg": frozenset({"jpg", "jpeg", "jpe", "jfif"}),
    "image/png": frozenset({"png"}),
    "image/webp": frozenset({"webp"}),
    "image/gif": frozenset({"gif"}),
    "image/svg+xml": frozenset({"svg"}),
    "image/avif": frozenset({"avif"}),
    "video/mp4": frozenset({"mp4", "m4v"}),
    "video/webm": frozenset({"webm"}),
    "application/pdf": frozenset({"pdf"}),
}
"""For each type how its files end, in small letters."""


def typed_filename(name: str, content_type: str) -> str:
    """Return a clean name that ends as the type does; doing it again changes nothing.

    Args:
        name: any text.
        content_type: one of `MEDIA_TYPES`.
    """
    clean = clean_filename(name)
    _, dot, extension = clean.rpartition(".")
    if dot and extension.lower() in EXTENSIONS[content_type]:
        return clean
    return clean_filename(f"{clean}.{MEDIA_TYPES[content_type].extension}")
