from hypothesis import given
from hypothesis import strategies as st

from media_engine.delivery.model import delivery_url
from media_engine.delivery.policy import key_of

HOST = "https://media.example.com"


def test_a_public_file_has_a_url_without_a_token() -> None:
    assert delivery_url(HOST, "t/acme/blog/2026/11/a.jpg", None) == (
        "https://media.example.com/m/t/acme/blog/2026/11/a.jpg"
    )


def test_a_private_file_has_its_token_in_the_url() -> None:
    assert delivery_url(HOST, "u/alice/blog/a/x/a.jpg", "h.p.s") == (
        "https://media.example.com/m/u/alice/blog/a/x/a.jpg?t=h.p.s"
    )


def test_each_segment_of_a_key_is_encoded() -> None:
    assert delivery_url(HOST, "t/a b/ü?#%2F+&.jpg", None) == (
        "https://media.example.com/m/t/a%20b/%C3%BC%3F%23%252F%2B%26.jpg"
    )


@given(
    st.lists(
        st.text(
            st.characters(exclude_categories=["C", "Z"], exclude_characters="/\\"), min_size=1
        ).filter(lambda segment: segment not in (".", "..")),
        min_size=1,
        max_size=4,
    )
)
def test_a_url_leads_back_to_its_key(segments: list[str]) -> None:
    key = "t/" + "/".join(segments)
    assert key_of(delivery_url("", key, None).removeprefix("/m/"), ("t/",)) == key
