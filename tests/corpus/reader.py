"""Reads a file that is in memory, and counts what that would cost."""


class CountingReader:
    """A `Reader` of bytes.

    Args:
        content: the file.

    Attributes:
        reads: how often it was read.
        bytes_read: how much, together.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.reads = 0
        self.bytes_read = 0

    @property
    def size(self) -> int:
        return len(self._content)

    async def read(self, offset: int, length: int, /) -> bytes:
        assert 0 <= offset < offset + length <= self.size, "what is read is inside the file"
        self.reads += 1
        self.bytes_read += length
        return self._content[offset : offset + length]


class SparseReader(CountingReader):
    """A file too large for memory: some pieces, and zeros between them.

    Args:
        size: the file's length in bytes.
        pieces: bytes by their offsets; they do not overlap.
    """

    def __init__(self, size: int, pieces: dict[int, bytes]) -> None:
        super().__init__(b"")
        self._size = size
        self._pieces = pieces

    @property
    def size(self) -> int:
        return self._size

    async def read(self, offset: int, length: int, /) -> bytes:
        assert 0 <= offset < offset + length <= self.size, "what is read is inside the file"
        self.reads += 1
        self.bytes_read += length
        content = bytearray(length)
        for start, piece in self._pieces.items():
            first, last = max(start, offset), min(start + len(piece), offset + length)
            if first < last:
                content[first - offset : last - offset] = piece[first - start : last - start]
        return bytes(content)
