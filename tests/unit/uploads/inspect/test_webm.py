"""WebM: numbers, lengths and clocks of every size."""

import pytest

from media_engine.uploads.inspect import Cause, Facts
from tests.corpus import elements
from tests.corpus.honest import RECORDING
from tests.corpus.reader import CountingReader
from tests.corpus.verdict import judge, verdict

LONGEST = 2**31 - 1


def recording(*content: bytes) -> Facts | Cause:
    return verdict("video/webm", elements.webm(elements.segment(*content)))


@pytest.mark.parametrize(
    ("duration", "scale", "milliseconds"),
    [
        (2500.4, 1_000_000, 2_500),
        (1.0, 1_000_000_000, 1_000),
        (1e6, 1_000, 1_000),
        (0.0, 1_000_000, None),
        (0.1, 1_000_000, None),
        (float(LONGEST), 1_000_000, LONGEST),
        (float(LONGEST + 1), 1_000_000, Cause.MALFORMED),
    ],
)
def test_a_webm_lasts_as_long_as_its_clock_says(
    duration: float, scale: int, milliseconds: int | Cause | None
) -> None:
    facts = recording(elements.info(duration, scale=scale), elements.tracks(), elements.cluster())
    expected = (
        milliseconds
        if isinstance(milliseconds, Cause)
        else Facts(24, 16, duration=milliseconds, codec="vp09")
    )
    assert facts == expected


def test_a_duration_of_nothing_is_unknown() -> None:
    info = elements.element(0x1549A966, elements.element(0x4489))
    facts = recording(info, elements.tracks(), elements.cluster())
    assert facts == Facts(24, 16, codec="vp09")


@pytest.mark.parametrize("size", range(1, 9))
def test_a_number_has_up_to_8_bytes(size: int) -> None:
    sides = [
        elements.element(number, (size * 16 if size == 1 else 300).to_bytes(size))
        for number in (0xB0, 0xBA)
    ]
    entry = elements.element(
        0xAE, elements.unsigned(0x83, 1), elements.element(0x86, b"V_VP8"),
        elements.element(0xE0, *sides),
    )  # fmt: skip
    facts = recording(elements.tracks(entry), elements.cluster())
    side = 16 if size == 1 else 300
    assert facts == Facts(side, side, codec="vp8")


def test_a_number_of_9_bytes_is_none() -> None:
    wide = elements.element(0xE0, elements.element(0xB0, b"\0" * 8 + b"\x18"))
    entry = elements.element(0xAE, elements.unsigned(0x83, 1), wide)
    content = elements.webm(elements.segment(elements.tracks(entry), elements.cluster()))
    judged, said = judge("video/webm", CountingReader(content))
    assert judged is Cause.MALFORMED
    assert said.startswith("The element B0 ")


@pytest.mark.parametrize("size", range(1, 9))
def test_a_length_has_up_to_8_bytes_and_ones_alone_are_no_length(size: int) -> None:
    void = elements.element(0xEC, b"x", said=elements.length(1, size))
    content = [void, elements.info(), elements.tracks()]
    assert recording(*content, elements.cluster()) == RECORDING
    unknown = (2 ** (7 * size + 1) - 1).to_bytes(size)
    assert recording(*content, elements.cluster(said=unknown)) == RECORDING
    longest = (2 ** (7 * size + 1) - 2).to_bytes(size)
    assert recording(*content, elements.cluster(said=longest)) in {RECORDING, Cause.CUT_OFF}


def test_an_id_has_up_to_4_bytes() -> None:
    for number in (b"\xec", b"\x42\x86", b"\x2a\xd7\xb1", b"\x1f\x43\xb6\x70"):
        void = number + b"\x81x"
        content = recording(void, elements.info(), elements.tracks(), elements.cluster())
        assert content == RECORDING
    void = b"\x0f\x43\xb6\x70\x11\x81x"
    assert recording(void, elements.info(), elements.tracks()) is Cause.MALFORMED


def test_a_codec_in_webm_has_up_to_64_letters_and_ends_at_a_zero() -> None:
    for codec, expected in (
        (b"V" * 64, "V" * 64),
        (b"V" * 65, None),
        (b"V_VP8\0\0", "vp8"),
        (b"V_THEORA", "V_THEORA"),
        (b"V_MPEGH/ISO/HEVC", "hvc1"),
        (b"V_AV1", "av01"),
        (b"V\xe4", None),
        (b"V\n", None),
        (b"\0V_VP8", None),
    ):
        facts = recording(elements.tracks(elements.track(codec=codec)), elements.cluster())
        assert facts == (Cause.MALFORMED if expected is None else Facts(24, 16, codec=expected))


def test_the_first_track_that_is_a_picture_counts() -> None:
    entries = (elements.track(2), elements.track(17), elements.track(), elements.track(width=9))
    facts = recording(elements.info(), elements.tracks(*entries), elements.cluster())
    assert facts == RECORDING
    silent = elements.element(0xAE, elements.element(0x86, b"V_VP9"))
    assert recording(elements.tracks(silent), elements.cluster()) is Cause.OTHER_TYPE
    blind = elements.element(0xAE, elements.unsigned(0x83, 1), elements.element(0x86, b"V_VP9"))
    assert recording(elements.tracks(blind), elements.cluster()) is Cause.MALFORMED
