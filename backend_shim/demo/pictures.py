"""Pictures for the demo: skies with a sun, made of nothing but Python; and a film, by ffmpeg."""

import colorsys
import math
import shutil
import subprocess
import tempfile
import zlib
from pathlib import Path
from struct import pack

WIDTH, HEIGHT = 960, 720

_FILM = "testsrc2=size=640x360:rate=24:duration=4"


def sky(number: int) -> bytes:
    """Return a PNG, the same for the same number: a slanted gradient, and a sun that travels."""
    hue = number * 0.618 % 1
    line = b"".join(_colour(hue, step / (WIDTH + HEIGHT)) for step in range(WIDTH + HEIGHT))
    radius, sun = HEIGHT // 6, bytes((255, 244, 214))
    across, down = WIDTH * (number * 0.382 % 0.7 + 0.15), HEIGHT * (number * 0.271 % 0.5 + 0.2)
    rows = []
    for y in range(HEIGHT):
        row = line[3 * y : 3 * (y + WIDTH)]
        if abs(y - down) < radius:
            half = int(math.sqrt(radius**2 - (y - down) ** 2))
            left, right = int(across) - half, int(across) + half
            row = row[: 3 * left] + sun * (right - left) + row[3 * right :]
        rows.append(b"\0" + row)
    header = pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def film() -> bytes | None:
    """Return an MP4 of four seconds, or None where there is no ffmpeg."""
    program = shutil.which("ffmpeg")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        how = ["-pix_fmt", "yuv420p", "-movflags", "+faststart", "-fflags", "+bitexact"]
        subprocess.run(  # noqa: S603
            [program, "-v", "error", "-f", "lavfi", "-i", _FILM, *how, str(path)], check=True
        )
        return path.read_bytes()


def _colour(hue: float, height: float) -> bytes:
    red, green, blue = colorsys.hsv_to_rgb(
        (hue + 0.18 * height) % 1, 0.75 - 0.45 * height, 0.45 + 0.5 * height
    )
    return bytes((int(255 * red), int(255 * green), int(255 * blue)))


def _chunk(name: bytes, content: bytes) -> bytes:
    body = name + content
    return pack(">I", len(content)) + body + pack(">I", zlib.crc32(body))
