"""What is said of files that ffmpeg made is what ffprobe says of them."""

from pathlib import Path

import pytest

from media_engine.uploads.inspect import Cause, Facts
from tests.corpus import boxes, gif, jpeg, png, webp
from tests.corpus.reader import CountingReader
from tests.corpus.real import OTHERS, RECIPES, Recipe, complaints, installed, probe
from tests.corpus.verdict import judge
from tests.media import PHOTO

CODECS = {
    "avc1": "h264", "hvc1": "hevc", "hev1": "hevc", "av01": "av1", "vp09": "vp9", "vp8": "vp8",
    "mp4v": "mpeg4",
}  # fmt: skip
CUTS = 200


@pytest.fixture(scope="module", autouse=True)
def _ffmpeg() -> None:
    if not installed():
        pytest.skip("no ffmpeg to make files with: install it (Debian: apt-get install ffmpeg)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("real")


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_a_real_file_is_what_another_parser_says(recipe: Recipe, folder: Path) -> None:
    file = recipe.make(folder)
    content = file.read_bytes()
    facts, said = judge(recipe.content_type, CountingReader(content))
    assert isinstance(facts, Facts), said
    oracle = probe(file)
    assert (facts.width, facts.height) == (oracle["width"], oracle["height"])
    if recipe.content_type.startswith("video/"):
        assert facts.codec is not None
        assert CODECS[facts.codec] == oracle["codec_name"]
        if recipe.timed:
            assert facts.duration == pytest.approx(oracle["seconds"] * 1000, abs=50)
        else:
            assert facts.duration is None
    for length in range(1, len(content), len(content) // CUTS + 1):
        verdict, _ = judge(recipe.content_type, CountingReader(content[:length]))
        if recipe.whole:
            assert isinstance(verdict, Cause), f"cut off after {length} bytes"
        else:
            assert isinstance(verdict, Cause) or verdict == facts


def test_a_video_that_is_turned_is_as_wide_as_it_is_shown(folder: Path) -> None:
    upright = next(recipe for recipe in RECIPES if recipe.name == "an MP4").make(folder)
    turned = folder / "turned.mp4"
    # The movie's own matrix comes first, and then the picture's.
    turned.write_bytes(upright.read_bytes().replace(boxes.UPRIGHT, boxes.QUARTER, 1))
    facts, _ = judge("video/mp4", CountingReader(turned.read_bytes()))
    assert isinstance(facts, Facts)
    oracle = probe(turned)
    assert abs(oracle["side_data_list"][0]["rotation"]) == 90
    assert (facts.width, facts.height) == (oracle["height"], oracle["width"])


@pytest.mark.parametrize("recipe", OTHERS, ids=str)
def test_a_real_file_of_another_type_is_refused(recipe: Recipe, folder: Path) -> None:
    content = recipe.make(folder).read_bytes()
    assert judge(recipe.content_type, CountingReader(content))[0] is Cause.OTHER_TYPE


def test_a_real_photo_is_known() -> None:
    content = PHOTO.read_bytes()
    assert judge("image/jpeg", CountingReader(content))[0] == Facts(
        640, 427, animated=False, alpha=False
    )
    for length in range(3, len(content), len(content) // CUTS):
        assert judge("image/jpeg", CountingReader(content[:length]))[0] is Cause.CUT_OFF


@pytest.mark.parametrize(
    "content",
    [jpeg.jpeg(), png.png(), png.png(colour=6), gif.gif(frames=2), webp.riff(webp.lossless())],
    ids=["JPEG", "PNG", "PNG with alpha", "GIF", "WebP"],
)
def test_what_is_written_by_hand_can_be_decoded(content: bytes) -> None:
    assert complaints(content) == ""
