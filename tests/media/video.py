"""A video for tests: made by ffmpeg, big enough that a player must ask for a part of it.

The test pattern counts the seconds on screen, so where a seek went can be seen. The bit rate is
constant: browsers read far less ahead than the whole, and the index stands in front of the media
data (faststart), so that playback begins before the rest has come.
"""

import shutil
import subprocess
from pathlib import Path

SECONDS = 20
BITS_PER_SECOND = 4_000_000


def make_video(folder: Path) -> Path:
    """An MP4 of H.264 and AAC, 20 seconds and about 10 MB; made once per folder.

    Args:
        folder: where it is kept; created if missing.

    Returns:
        The file.

    Raises:
        FileNotFoundError: ffmpeg is not installed.
        subprocess.CalledProcessError: ffmpeg failed; it has said why on its standard error.
    """
    video = folder / "counting.mp4"
    if video.exists():
        return video
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise FileNotFoundError("ffmpeg is not installed, and the test video is made with it.")
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = video.with_suffix(".part.mp4")
    subprocess.run([ffmpeg, *_arguments(), str(unfinished)], check=True)
    return unfinished.rename(video)


def _arguments() -> list[str]:
    rate = str(BITS_PER_SECOND)
    return [
        *("-loglevel", "error", "-y"),
        *("-f", "lavfi", "-i", f"testsrc=size=640x360:rate=25:duration={SECONDS}:decimals=2"),
        *("-f", "lavfi", "-i", f"sine=frequency=440:duration={SECONDS}"),
        *("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "25"),
        *("-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate),
        *("-x264-params", "nal-hrd=cbr:force-cfr=1"),
        *("-c:a", "aac", "-b:a", "96k"),
        *("-movflags", "+faststart"),
    ]
