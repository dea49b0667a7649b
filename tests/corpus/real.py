"""Files that ffmpeg makes, and what ffprobe says of them: an encoder and a parser of others."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PICTURE = ("-f", "lavfi", "-i", "testsrc=size=320x180:rate=10:duration=2.5")
_SOUND = ("-f", "lavfi", "-i", "sine=duration=2.5")
_H264 = ("-c:v", "libx264", "-preset", "ultrafast")
_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime")
_AV1 = ("-c:v", "libaom-av1", "-cpu-used", "8")
_STILL = ("-frames:v", "1")


@dataclass(frozen=True)
class Recipe:
    """How a file is made.

    Attributes:
        name: what it is, as the name of a test.
        content_type: what it is declared as.
        ending: the end of its name, by which ffmpeg takes the format.
        arguments: what ffmpeg is told.
        timed: whether the file says how long it lasts.
        whole: whether the file says how long it is, so that a cut can be seen.
    """

    name: str
    content_type: str
    ending: str
    arguments: tuple[str, ...]
    timed: bool = True
    whole: bool = True

    def __str__(self) -> str:
        return self.name

    def make(self, folder: Path) -> Path:
        """Make the file in a folder, and return it.

        Raises:
            subprocess.CalledProcessError: ffmpeg failed; it has said why on its standard error.
        """
        file = folder / f"{self.name.replace(' ', '-')}.{self.ending}"
        command = ["ffmpeg", "-loglevel", "error", "-y", *self.arguments, str(file)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return file


def installed() -> bool:
    """Tell whether files can be made and probed here."""
    return shutil.which("ffmpeg") is not None and shutil.which("ffprobe") is not None


def probe(file: Path) -> dict[str, Any]:
    """Return what ffprobe says of a file's first picture, and how long the file lasts."""
    told = subprocess.run(
        ["ffprobe", "-loglevel", "error", "-select_streams", "v:0", "-show_streams",
         "-show_format", "-of", "json", str(file)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    answer = json.loads(told.stdout)
    duration = answer["format"].get("duration")
    return {**answer["streams"][0], "seconds": None if duration is None else float(duration)}


def complaints(content: bytes) -> str:
    """Return what ffmpeg has to say when it decodes a file; nothing if it is in order."""
    told = subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-i", "-", "-f", "null", "-"],
        input=content,
        capture_output=True,
        check=False,
    )
    return told.stderr.decode()


RECIPES = (
    Recipe("a photo", "image/jpeg", "jpg", (*_PICTURE, *_STILL)),
    Recipe("a progressive photo", "image/jpeg", "jpg", (*_PICTURE, *_STILL, "-huffman", "optimal")),
    Recipe("a screenshot", "image/png", "png", (*_PICTURE, *_STILL)),
    Recipe("an animated PNG", "image/png", "png", (*_PICTURE, "-f", "apng", "-plays", "0")),
    Recipe("a GIF of 90 KB", "image/gif", "gif", _PICTURE),
    Recipe("a lossy WebP", "image/webp", "webp", (*_PICTURE, *_STILL, "-c:v", "libwebp")),
    Recipe(
        "a lossless WebP",
        "image/webp",
        "webp",
        (*_PICTURE, *_STILL, "-c:v", "libwebp", "-lossless", "1"),
    ),
    Recipe("an AVIF", "image/avif", "avif", (*_PICTURE, *_STILL, *_AV1, "-still-picture", "1")),
    Recipe("an AVIF that moves", "image/avif", "avif", (*_PICTURE, "-frames:v", "3", *_AV1)),
    Recipe("an MP4", "video/mp4", "mp4", (*_PICTURE, *_SOUND, *_H264)),
    Recipe(
        "an MP4 with its index in front",
        "video/mp4",
        "mp4",
        (*_SOUND, *_PICTURE, "-map", "0", "-map", "1", *_H264, "-movflags", "+faststart"),
    ),
    Recipe(
        "an MP4 of fragments",
        "video/mp4",
        "mp4",
        (*_PICTURE, *_SOUND, *_H264, "-movflags", "+frag_keyframe+empty_moov"),
        timed=False,
        whole=False,
    ),
    Recipe(
        "an MP4 of fragments with an index of them",
        "video/mp4",
        "mp4",
        (*_PICTURE, *_H264, "-g", "5", "-movflags",
         "+dash+global_sidx+frag_keyframe+empty_moov"),
        whole=False,
    ),
    Recipe(
        "an MP4 of HEVC",
        "video/mp4",
        "mp4",
        (*_PICTURE, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"),
    ),
    Recipe("an MP4 of AV1", "video/mp4", "mp4", (*_PICTURE, "-frames:v", "5", *_AV1)),
    Recipe("an MP4 of VP9", "video/mp4", "mp4", (*_PICTURE, *_VP9)),
    Recipe("an MP4 of MPEG-4", "video/mp4", "mp4", (*_PICTURE, "-c:v", "mpeg4")),
    Recipe("a WebM of VP9", "video/webm", "webm", (*_PICTURE, *_SOUND, *_VP9)),
    Recipe("a WebM of AV1", "video/webm", "webm", (*_PICTURE, "-frames:v", "5", *_AV1)),
    Recipe(
        "a WebM of VP8",
        "video/webm",
        "webm",
        (*_PICTURE, "-c:v", "libvpx", "-deadline", "realtime"),
    ),
    Recipe(
        "a WebM that is recorded",
        "video/webm",
        "webm",
        (*_PICTURE, "-c:v", "libvpx", "-deadline", "realtime", "-live", "1"),
        timed=False,
        whole=False,
    ),
)  # fmt: skip

OTHERS = (
    Recipe("a Matroska file", "video/webm", "mkv", (*_PICTURE, *_H264)),
    Recipe("a QuickTime movie", "video/mp4", "mov", (*_PICTURE, *_H264)),
    Recipe("an AVI", "video/mp4", "avi", (*_PICTURE, *_H264)),
    Recipe("sound alone", "video/mp4", "mp4", _SOUND),
    Recipe("a TIFF", "image/png", "tiff", (*_PICTURE, *_STILL)),
    Recipe("a BMP", "image/jpeg", "bmp", (*_PICTURE, *_STILL)),
)
"""Files of types that cannot be uploaded, and what they are declared as."""
