"""Questions to the domain name system, and whatever may come back."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from media_engine.uploads.dns import BadAnswer, RecordType, addresses, question
from tests.messages import ALIAS, answer

LABELS = st.from_regex(r"[a-z0-9_-]{1,63}", fullmatch=True)
ADDRESSES = st.lists(st.ip_addresses(), max_size=20)


def test_a_question_is_written_as_in_the_standard() -> None:
    assert question("www.example.com", RecordType.A) == bytes.fromhex(
        # RFC 8484 §4.1.1.
        "00000100000100000000000003777777076578616d706c6503636f6d0000010001"
    )


def test_an_answer_is_read_as_in_the_standard() -> None:
    # RFC 8484 §4.2.2.
    message = bytes.fromhex(
        "00008180000100010000000003777777076578616d706c6503636f6d00001c0001"
        "c00c001c000100000e7d001020010db8abcd00120001000200030004"
    )
    assert addresses(message) == [IPv6Address("2001:db8:abcd:12:1:2:3:4")]


@given(st.lists(LABELS, min_size=1, max_size=3).map(".".join), ADDRESSES)
def test_what_was_answered_is_read(name: str, found: list[IPv4Address | IPv6Address]) -> None:
    assert addresses(answer(question(name, RecordType.A), found)) == found


def test_aliases_on_the_way_are_passed_over() -> None:
    asked = question("a.org", RecordType.A)
    assert addresses(answer(asked, [ALIAS, ip_address("8.8.8.8")])) == [ip_address("8.8.8.8")]


def test_a_name_that_is_not_there_has_no_addresses() -> None:
    asked = question("a.org", RecordType.A)
    assert addresses(answer(asked, [], code=3)) == []
    assert addresses(answer(asked, [])) == []


@pytest.mark.parametrize("code", [1, 2, 4, 5, 9, 15])
def test_an_answer_that_says_no_is_none(code: int) -> None:
    with pytest.raises(BadAnswer):
        addresses(answer(question("a.org", RecordType.A), [ip_address("8.8.8.8")], code=code))


def test_a_question_is_no_answer() -> None:
    with pytest.raises(BadAnswer):
        addresses(question("a.org", RecordType.A))


def test_an_answer_that_says_that_it_is_cut_off_is_none() -> None:
    message = bytearray(answer(question("a.org", RecordType.A), [ip_address("8.8.8.8")]))
    message[2] |= 0x02
    with pytest.raises(BadAnswer):
        addresses(bytes(message))


@given(st.data())
def test_an_answer_that_is_cut_anywhere_is_none(data: st.DataObject) -> None:
    records = data.draw(st.permutations([ALIAS, ip_address("8.8.8.8")]))
    message = answer(question("a.org", RecordType.A), records)
    length = data.draw(st.integers(0, len(message) - 1))
    with pytest.raises(BadAnswer):
        addresses(message[:length])


@given(st.binary(max_size=200))
@example(b"\0\0\x80\0\xff\xff\xff\xff\0\0\0\0" + b"\xc0\x0c" * 40)
@example(b"\0\0\x80\0\0\0\0\1\0\0\0\0\xc0\x0c\0\1\0\1\0\0\0\0\0\3abc")
def test_no_bytes_break_the_parser(message: bytes) -> None:
    try:
        found = addresses(message)
    except BadAnswer:
        return
    assert len(found) <= len(message)


@given(st.data(), st.binary(min_size=1, max_size=4))
def test_no_change_of_an_answer_breaks_the_parser(data: st.DataObject, changed: bytes) -> None:
    message = answer(question("a.org", RecordType.A), [ALIAS, ip_address("8.8.8.8")])
    at = data.draw(st.integers(0, len(message) - 1))
    try:
        addresses(message[:at] + changed + message[at + len(changed) :])
    except BadAnswer:
        return
