"""AVIF: items, and the properties that are their own."""

import pytest

from media_engine.uploads.inspect import Cause, Facts
from tests.corpus import boxes
from tests.corpus.honest import PHOTO
from tests.corpus.verdict import verdict


def picture(*properties: bytes, own: bytes | None = None, item: int = 1) -> Facts | Cause:
    described = boxes.meta(
        boxes.pitm(item),
        boxes.iinf(boxes.infe(item)),
        boxes.iprp(
            *properties, own=own or boxes.ipma((item, tuple(range(1, len(properties) + 1))))
        ),
    )
    return verdict("image/avif", boxes.avif(described, boxes.MDAT))


def test_an_avif_is_as_large_as_its_property_says() -> None:
    facts = picture(boxes.ispe(0x01020304, 0x05060708), item=0x0102)
    assert facts == Facts(0x01020304, 0x05060708, animated=False, alpha=False)
    assert picture(boxes.shortened(boxes.ispe(), 11)) is Cause.MALFORMED


def test_an_avif_has_the_properties_that_are_its_own() -> None:
    every = (boxes.ispe(1, 1), boxes.ispe(), boxes.IROT)
    assert picture(*every, own=boxes.ipma((9, (1, 3)), (1, (2,)))) == PHOTO
    assert picture(*every, own=boxes.ipma((1, (0, 4, 2)))) == PHOTO
    assert picture(*every, own=boxes.ipma((1, (2,)), wide=True)) == PHOTO
    assert picture(*every, own=boxes.ipma((1, (0x8002,)), wide=True, version=1)) == PHOTO
    turned = Facts(16, 24, animated=False, alpha=False)
    assert picture(*every, own=boxes.ipma((1, (0x83, 0x82)))) == turned


@pytest.mark.parametrize("angle", range(8))
def test_an_avif_is_turned_by_quarters(angle: int) -> None:
    facts = picture(boxes.ispe(), boxes.box(b"irot", bytes([angle])))
    sides = (16, 24) if angle % 2 else (24, 16)
    assert facts == Facts(*sides, animated=False, alpha=False)


@pytest.mark.parametrize(
    ("kind", "alpha"),
    [
        (boxes.ALPHA_URN, True),
        (boxes.ALPHA_URN + b"more", True),
        (boxes.ALPHA_URN[:-1], False),
        (boxes.ALPHA_URN[:-1] + b"x", False),
        (b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth\0", False),
        (b"", False),
    ],
)
def test_an_avif_can_be_seen_through_if_it_has_a_picture_of_that(kind: bytes, alpha: bool) -> None:
    facts = picture(boxes.ispe(), boxes.full(b"auxC", kind), own=boxes.ipma((1, (1,))))
    assert facts == Facts(24, 16, animated=False, alpha=alpha)


def test_an_avif_whose_associations_end_too_early_has_none() -> None:
    whole = boxes.ipma((9, (1,)), (1, (1, 1)))
    assert picture(boxes.ispe(), own=whole) == PHOTO
    for body in range(len(whole) - 8):
        assert picture(boxes.ispe(), own=boxes.shortened(whole, body)) is Cause.MALFORMED


def test_an_avif_is_looked_up_among_its_items() -> None:
    own = boxes.ipma((7, (1,)))
    for entries, expected in (
        ((boxes.infe(7),), PHOTO),
        ((boxes.infe(1, b"hvc1"), boxes.infe(7)), PHOTO),
        ((boxes.infe(7, version=3),), PHOTO),
        ((boxes.infe(7, b"grid"),), PHOTO),
        ((boxes.infe(7, b"iovl"),), Cause.UNSUPPORTED),
        ((boxes.infe(7, version=1),), Cause.MALFORMED),
        ((boxes.shortened(boxes.infe(7), 11),), Cause.MALFORMED),
        ((boxes.infe(1),), Cause.MALFORMED),
    ):
        for version in (0, 1):
            described = boxes.meta(
                boxes.pitm(7, version=version),
                boxes.iinf(*entries, version=version),
                boxes.iprp(boxes.ispe(), own=own),
            )
            assert verdict("image/avif", boxes.avif(described, boxes.MDAT)) == expected


def test_an_avif_moves_if_one_of_its_brands_says_so() -> None:
    for brands, animated in (((b"avif", b"avis"), True), ((b"avif", b"xavi", b"sxxx"), False)):
        content = boxes.brands(b"avif", *brands) + boxes.meta() + boxes.MDAT
        assert verdict("image/avif", content) == Facts(24, 16, animated=animated, alpha=False)
