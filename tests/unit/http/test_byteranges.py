from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from media_engine.http.byteranges import Multipart, Part, coalesce

SIZE = 60
parts_of_an_object = st.lists(
    st.integers(0, SIZE - 1).flatmap(
        lambda offset: st.builds(Part, st.just(offset), st.integers(1, SIZE - offset))
    ),
    max_size=12,
)


def covered(parts: Sequence[Part]) -> set[int]:
    return {byte for part in parts for byte in range(part.offset, part.end)}


@given(parts_of_an_object)
def test_what_is_sent_is_what_was_asked_for_and_each_byte_once(parts: list[Part]) -> None:
    joined = coalesce(parts)
    assert covered(joined) == covered(parts)
    assert sum(part.length for part in joined) == len(covered(parts))


@given(parts_of_an_object)
def test_parts_that_do_not_overlap_stay_as_they_were_asked_for(parts: list[Part]) -> None:
    joined = coalesce(parts)
    assert coalesce(joined) == joined
    if sum(part.length for part in parts) == len(covered(parts)):
        assert joined == parts


def test_parts_that_touch_are_not_joined() -> None:
    assert coalesce([Part(0, 5), Part(5, 5)]) == [Part(0, 5), Part(5, 5)]


def test_a_part_that_bridges_others_takes_the_place_of_the_first() -> None:
    asked = [Part(0, 3), Part(20, 2), Part(10, 3), Part(2, 9)]
    assert coalesce(asked) == [Part(0, 13), Part(20, 2)]


def test_a_body_is_written_as_rfc_9110_shows_it() -> None:
    body = Multipart([Part(500, 500), Part(7000, 1000)], 8000, "application/pdf", "SEPARATOR")
    assert body.content_type == "multipart/byteranges; boundary=SEPARATOR"
    assert list(body.pieces()) == [
        b"--SEPARATOR\r\n"
        b"Content-Type: application/pdf\r\n"
        b"Content-Range: bytes 500-999/8000\r\n\r\n",
        Part(500, 500),
        b"\r\n--SEPARATOR\r\n"
        b"Content-Type: application/pdf\r\n"
        b"Content-Range: bytes 7000-7999/8000\r\n\r\n",
        Part(7000, 1000),
        b"\r\n--SEPARATOR--\r\n",
    ]


@given(parts_of_an_object.filter(bool))
def test_a_body_is_as_long_as_it_says(parts: list[Part]) -> None:
    body = Multipart(coalesce(parts), SIZE, "image/jpeg", "b")
    pieces = (bytes(piece.length) if isinstance(piece, Part) else piece for piece in body.pieces())
    assert len(b"".join(pieces)) == body.length
