"""The files that are attacked. No two have the same bytes, so an answer says whose it is."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class File:
    """A file.

    Attributes:
        key: its key.
        content: its bytes.
        public: everybody may have it.
    """

    key: str
    content: bytes
    public: bool = False

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.content).hexdigest()}"'
