"""Who may have a file, and under which headers: the tables of the contract, row by row."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.delivery.policy import (
    PUBLIC,
    Grant,
    PrivatePolicy,
    authorise,
    file_headers,
    key_of,
)
from media_engine.errors import (
    MediaNotFound,
    TokenBadSignature,
    TokenExpired,
    TokenKeyMismatch,
    TokenMalformed,
    TokenUnknownKey,
)
from media_engine.ports import ObjectInfo
from media_engine.signing.keyring import Keyring
from media_engine.signing.token import Claims, mint

PREFIXES = ("u/", "t/")
KEY = "t/acme/blog/2026/11/aB3nR7kWaB3nR7kWaB3nR.jpg"
NOW = 1_795_174_000
KEYS = Keyring({"k1": b"1" * 32})
PRIVATE = Grant(private=True, life=600)
KEPT_NOWHERE = PrivatePolicy("same-site", 0)

IMAGES = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"]
VIDEOS = ["video/mp4", "video/webm"]
SVG = "image/svg+xml"
PDF = "application/pdf"
LISTED = [*IMAGES, *VIDEOS, SVG, PDF]
UNLISTED = [
    "", "text/html", "TEXT/HTML", "text/html; charset=utf-8", "application/xhtml+xml",
    "text/javascript", "application/octet-stream", "image/x-icon", "image/svg", "image/jpegx",
    "text/html,image/jpeg", "multipart/x-mixed-replace;boundary=a", "image",
]  # fmt: skip


def stored(content_type: str, disposition: str = 'inline; filename="beach.jpg"') -> ObjectInfo:
    return ObjectInfo(
        key=KEY,
        size=1000,
        etag='"tag"',
        uploaded_at=NOW * 1000 + 999,
        content_type=content_type,
        content_disposition=disposition,
        tombstone=False,
    )


@pytest.mark.parametrize("key", [KEY, "u/user_789/avatar/a/summer/x.png", "t/a", "u/ü/日 本.jpg"])
def test_a_path_names_the_key_that_it_encodes(key: str) -> None:
    assert key_of(quote(key), PREFIXES) == key


@given(st.text(min_size=1))
def test_a_path_is_decoded_exactly_once(name: str) -> None:
    key = f"t/{name}"
    try:
        assert key_of(quote(key.encode(errors="replace")), PREFIXES) == key
    except MediaNotFound:
        segments = name.split("/")
        assert not name.isprintable() or "\\" in name or {"", ".", ".."} & set(segments)


def test_what_was_encoded_twice_names_another_key() -> None:
    assert key_of("t/acme/%252e%252e/a", PREFIXES) == "t/acme/%2e%2e/a"
    assert key_of("t/acme%252Fa", PREFIXES) == "t/acme%2Fa"
    assert key_of("t/a+b", PREFIXES) == "t/a+b"


@pytest.mark.parametrize(
    "path",
    [
        "t/acme/../globex/a.jpg",
        "t/acme/%2e%2e/globex/a.jpg",
        "t/acme/%2E%2E%2Fglobex/a.jpg",
        "t/acme/./a.jpg",
        "t/..",
        "t/../",
        "t/acme//a.jpg",
        "t/acme/%2Fa.jpg",
        "t/acme/",
        "t/",
        "t//",
        "t/acme/a.jpg/",
        "t/acme/a%00.jpg",
        "t/acme/a\x00.jpg",
        "t/acme/a%0d%0aSet-Cookie:b",
        "t/acme/a%7F",
        "t/acme/a%C2%85",
        "t/acme/a%E2%80%AE",
        "t/acme/a%5Cb",
        "t/acme/a\\b",
        "t/acme/..%5Cb",
        "t/acme/%FF.jpg",
        "t/acme/%C0%AE%C0%AE/a",
        "t/acme/%ED%A0%80",
        "t/%80",
    ],
)
def test_a_path_that_no_key_can_have_is_not_found(path: str) -> None:
    with pytest.raises(MediaNotFound):
        key_of(path, PREFIXES)


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "t", "u", "T/acme/a.jpg", "v/t/acme/a.jpg/thumb.webp", "x/t/acme/a.jpg",
        "/t/acme/a.jpg", "%2Ft/acme/a.jpg", "../t/acme/a.jpg", "tt/acme/a.jpg", " t/acme/a.jpg",
        "%74",
    ],
)  # fmt: skip
def test_a_key_outside_of_the_prefixes_is_not_found(path: str) -> None:
    with pytest.raises(MediaNotFound):
        key_of(path, PREFIXES)


def test_a_prefix_counts_after_decoding() -> None:
    assert key_of("%74/acme%2Fa.jpg", PREFIXES) == "t/acme/a.jpg"


def test_the_prefixes_are_those_that_are_set() -> None:
    assert key_of("x/a.jpg", ("x/",)) == "x/a.jpg"
    for prefixes in (("x/",), ()):
        with pytest.raises(MediaNotFound):
            key_of(KEY, prefixes)


def test_a_key_has_at_most_1024_bytes() -> None:
    longest = "t/" + "a" * 1022
    assert key_of(longest, PREFIXES) == longest
    assert key_of(quote("t/" + "ü" * 511), PREFIXES) == "t/" + "ü" * 511
    for key in (longest + "a", "t/" + "ü" * 512):
        with pytest.raises(MediaNotFound):
            key_of(quote(key), PREFIXES)


def test_a_token_opens_the_file_that_it_names() -> None:
    claims = Claims(key=KEY, exp=NOW + 600)
    assert authorise(mint(claims, KEYS), KEY, KEYS, NOW) == claims


def test_a_token_for_an_album_opens_what_is_in_it() -> None:
    claims = Claims(pfx="t/acme/blog/a/summer/", exp=NOW + 600)
    token = mint(claims, KEYS)
    assert authorise(token, "t/acme/blog/a/summer/x.jpg", KEYS, NOW) == claims
    for other in ("t/acme/blog/a/summer2/x.jpg", "t/acme/blog/a/winter/x.jpg", KEY):
        with pytest.raises(TokenKeyMismatch):
            authorise(token, other, KEYS, NOW)


@pytest.mark.parametrize(
    ("max_age", "life", "told"),
    [
        (0, 600, "private, no-store"),
        (300, 600, "private, max-age=300"),
        (300, 299, "private, max-age=299"),
    ],
)
def test_a_browser_keeps_a_private_file_no_longer_than_its_token_lives(
    max_age: int, life: int, told: str
) -> None:
    grant = Grant(private=True, life=life)
    headers = file_headers(stored("image/jpeg"), grant, PrivatePolicy("same-site", max_age))
    assert headers["Cache-Control"] == told


@pytest.mark.parametrize("other", [KEY + "x", KEY[:-1], KEY.upper(), "", "t/", f"v/{KEY}/s.webp"])
def test_a_token_opens_no_other_file(other: str) -> None:
    token = mint(Claims(key=KEY, exp=NOW + 600), KEYS)
    with pytest.raises(TokenKeyMismatch):
        authorise(token, other, KEYS, NOW)


def test_what_a_set_holds_is_left_to_be_asked() -> None:
    claims = Claims(set="share_1", jti="j", exp=NOW + 600)
    assert authorise(mint(claims, KEYS), KEY, KEYS, NOW) == claims


def test_a_token_is_verified_before_it_is_believed() -> None:
    token = mint(Claims(key=KEY, exp=NOW + 600), KEYS)
    with pytest.raises(TokenExpired):
        authorise(token, KEY, KEYS, NOW + 600)
    with pytest.raises(TokenBadSignature):
        authorise(token[:-4] + "AAAA", KEY, KEYS, NOW)
    with pytest.raises(TokenUnknownKey):
        authorise(token, KEY, Keyring({"k2": b"1" * 32}), NOW)
    with pytest.raises(TokenMalformed):
        authorise("", KEY, KEYS, NOW)


SECURITY_POLICIES = {
    **dict.fromkeys(IMAGES, "default-src 'none'; sandbox"),
    **dict.fromkeys(VIDEOS, "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'"),
    SVG: "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    PDF: "default-src 'none'",
}
PUBLIC_CACHE = {
    **dict.fromkeys([*IMAGES, *VIDEOS, SVG], "public, max-age=31536000, immutable"),
    PDF: "public, max-age=86400",
}


@pytest.mark.parametrize("content_type", LISTED)
def test_a_private_file_is_served_with_these_headers(content_type: str) -> None:
    assert file_headers(stored(content_type), PRIVATE, KEPT_NOWHERE) == {
        "Content-Type": content_type,
        "Content-Disposition": 'inline; filename="beach.jpg"',
        "Content-Security-Policy": SECURITY_POLICIES[content_type],
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Accept-Ranges": "bytes",
        "ETag": '"tag"',
        "Last-Modified": "Fri, 20 Nov 2026 11:26:40 GMT",
        "Cache-Control": "private, no-store",
        "Cross-Origin-Resource-Policy": "same-site",
    }


@pytest.mark.parametrize("content_type", LISTED)
def test_a_public_file_is_served_with_these_headers(content_type: str) -> None:
    assert file_headers(stored(content_type), PUBLIC, KEPT_NOWHERE) == {
        "Content-Type": content_type,
        "Content-Disposition": 'inline; filename="beach.jpg"',
        "Content-Security-Policy": SECURITY_POLICIES[content_type],
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Accept-Ranges": "bytes",
        "ETag": '"tag"',
        "Last-Modified": "Fri, 20 Nov 2026 11:26:40 GMT",
        "Cache-Control": PUBLIC_CACHE[content_type],
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": (
            "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag,"
            " Retry-After, X-Request-Id"
        ),
    }


@pytest.mark.parametrize("policy", ["same-site", "same-origin", "cross-origin"])
def test_who_may_embed_a_private_file_is_a_setting(policy: str) -> None:
    headers = file_headers(stored("image/jpeg"), PRIVATE, PrivatePolicy(policy, 0))
    assert headers["Cross-Origin-Resource-Policy"] == policy


@pytest.mark.parametrize("grant", [PRIVATE, PUBLIC])
@pytest.mark.parametrize("content_type", UNLISTED)
def test_a_type_that_is_not_listed_is_a_download_of_unknown_bytes(
    content_type: str, grant: Grant
) -> None:
    headers = file_headers(stored(content_type, 'inline; filename="a.html"'), grant, KEPT_NOWHERE)
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == 'attachment; filename="a.html"'
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("content_type", LISTED)
def test_a_listed_type_is_told_without_capitals_and_parameters(content_type: str) -> None:
    plain = file_headers(stored(content_type), PUBLIC, KEPT_NOWHERE)
    for spelling in (content_type.upper(), f" {content_type} ; charset=utf-8", f"{content_type};"):
        assert file_headers(stored(spelling), PUBLIC, KEPT_NOWHERE) == plain


@pytest.mark.parametrize(
    ("content_type", "disposition", "told"),
    [
        ("image/jpeg", "", "inline"),
        ("text/html", "", "attachment"),
        ("text/html", "inline", "attachment"),
        ("text/html", 'attachment; filename="a;b"', 'attachment; filename="a;b"'),
        (
            "text/html",
            "inline; filename=\"_\"; filename*=UTF-8''%C3%BC",
            "attachment; filename=\"_\"; filename*=UTF-8''%C3%BC",
        ),
    ],
)
def test_the_name_that_was_stored_is_kept(content_type: str, disposition: str, told: str) -> None:
    headers = file_headers(stored(content_type, disposition), PRIVATE, KEPT_NOWHERE)
    assert headers["Content-Disposition"] == told


@pytest.mark.parametrize("content_type", ["image/jpeg", "text/html"])
def test_a_download_has_the_name_that_the_token_gives(content_type: str) -> None:
    grant = Grant(private=True, download="Über\r\nuns.jpg")
    assert file_headers(stored(content_type), grant, KEPT_NOWHERE)["Content-Disposition"] == (
        "attachment; filename=\"_beruns.jpg\"; filename*=UTF-8''%C3%9Cberuns.jpg"
    )
