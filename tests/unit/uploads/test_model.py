"""What may become a file: each field, and everything that can be wrong with it."""

import re
import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.delivery.model import delivery_url
from media_engine.delivery.policy import key_of
from media_engine.errors import (
    FileTooLarge,
    InvalidField,
    InvalidInput,
    MissingFields,
    UnsupportedMime,
)
from media_engine.uploads.inspect import Facts
from media_engine.uploads.model import (
    MEDIA_TYPES,
    NANOID_LENGTH,
    MediaFile,
    Status,
    UploadRequest,
    instant,
    media_type,
    nanoid,
    parse_media_id,
)
from tests.media import JPEG
from tests.unit.engine import PHOTO

MAX_BYTES = {"image": 1_000, "video": 5_000, "document": 2_000}
NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
NOVEMBER = 1_795_174_000_123  # 2026-11-20T11:26:40.123Z

NOT_STRINGS: list[object] = [7, 1.5, True, False, [], ["a"], {}, {"a": "b"}]
NOT_NAMES = [
    *NOT_STRINGS, "", " ", "a b", " a", "a ", "a\n", "a/b", "..", ".", "a.b", "ü", "日", "a\x00",
    "a\\b", "a" * 65, "a:b", "a%2F", "\ud800",
]  # fmt: skip


def parse(**changed: object) -> UploadRequest:
    return UploadRequest.parse({**PHOTO, **changed}, MAX_BYTES)


def refusal(**changed: object) -> InvalidField:
    with pytest.raises(InvalidField) as refused:
        parse(**changed)
    return refused.value


def test_a_request_says_what_is_to_be_stored() -> None:
    assert parse(album="summer", visibility="public") == UploadRequest(
        file_name="beach.jpg",
        content_type="image/jpeg",
        file_size=len(JPEG),
        service="blog",
        album="summer",
        visibility="public",
    )


def test_what_is_optional_has_a_default() -> None:
    for fields in ({}, {"album": None, "visibility": None}):
        upload = parse(**fields)
        assert upload.album is None
        assert upload.visibility == "private"


def test_a_field_that_nobody_knows_does_no_harm() -> None:
    assert parse(colour="red", status="uploaded", scope="t:globex") == parse()


@pytest.mark.parametrize("name", ["fileName", "contentType", "fileSize", "service"])
def test_a_required_field_that_is_missing_or_null_is_named(name: str) -> None:
    without = {field: value for field, value in PHOTO.items() if field != name}
    for fields in (without, {**PHOTO, name: None}):
        with pytest.raises(MissingFields) as refused:
            UploadRequest.parse(fields, MAX_BYTES)
        assert refused.value.fields == (name,)


def test_all_that_are_missing_are_named_at_once() -> None:
    with pytest.raises(MissingFields) as refused:
        UploadRequest.parse({"album": 7}, MAX_BYTES)
    assert refused.value.fields == ("fileName", "contentType", "fileSize", "service")
    assert refused.value.code == "MISSING_FIELDS"


@pytest.mark.parametrize("value", [*NOT_STRINGS, "", " ", "\t\n", "\u3000", "a" * 1025])
def test_a_file_name_that_is_none_is_refused(value: object) -> None:
    error = refusal(fileName=value)
    assert (error.code, error.field) == ("INVALID_FIELD", "fileName")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a" * 1024, "a" * 255),
        ("Ünïcödé 日本.jpg", "Ünïcödé 日本.jpg"),
        ("../../etc/passwd", "etcpasswd"),
        ("C:\\fakepath\\a.jpg", "C:fakepatha.jpg"),
        ("a\r\nSet-Cookie: b", "aSet-Cookie: b"),
        ("a\x00b.jpg", "ab.jpg"),
        ("gpj\u202eexe", "gpjexe"),
        ("\ud800a.jpg", "a.jpg"),
        ("\x00", "file"),
        ("...", "file"),
    ],
)
def test_a_file_name_keeps_nothing_that_a_file_name_must_not_have(given: str, kept: str) -> None:
    assert parse(fileName=given).file_name == kept


@pytest.mark.parametrize("value", NOT_STRINGS)
def test_a_content_type_that_is_no_string_is_refused(value: object) -> None:
    error = refusal(contentType=value)
    assert (error.code, error.field) == ("INVALID_FIELD", "contentType")


@pytest.mark.parametrize(
    "value",
    [
        "", ";", "image", "image/", "/jpeg", "image/*", "image/jpg", "image/tiff", "text/html",
        "application/octet-stream", "image/jpeg, text/html", "image/ jpeg", "image/jpeg\x00",
        "im\nage/jpeg", "image/jpég", "image/jpeg/", "x" * 10_000,
    ],
)  # fmt: skip
def test_a_content_type_that_is_not_served_is_refused(value: str) -> None:
    error = refusal(contentType=value)
    assert isinstance(error, UnsupportedMime)
    assert (error.code, error.field) == ("UNSUPPORTED_MIME", "contentType")


@pytest.mark.parametrize("name", MEDIA_TYPES)
def test_every_type_may_come_in_capitals_and_with_parameters(name: str) -> None:
    for spelling in (name, name.upper(), f" {name} ", f"{name};q=1", f"{name.title()} ; a=b;c"):
        assert parse(contentType=spelling).content_type == name


def test_the_type_alone_is_what_counts() -> None:
    assert media_type("image/PNG; q=1") == "image/png"
    assert media_type("") == ""


@pytest.mark.parametrize("value", ["5", 5.0, 1.5, True, False, [5], {}, float("nan")])
def test_a_size_that_is_no_whole_number_is_refused(value: object) -> None:
    error = refusal(fileSize=value)
    assert (error.code, error.field) == ("INVALID_FIELD", "fileSize")
    assert "whole number" in error.message


@pytest.mark.parametrize("value", [0, -1, -(10**30)])
def test_a_size_below_one_byte_is_refused(value: int) -> None:
    error = refusal(fileSize=value)
    assert (error.code, error.field) == ("INVALID_FIELD", "fileSize")
    assert "at least 1" in error.message


@pytest.mark.parametrize(
    ("content_type", "most"),
    [("image/png", 1_000), ("video/mp4", 5_000), ("application/pdf", 2_000)],
)
def test_each_kind_has_its_own_largest_size(content_type: str, most: int) -> None:
    for size in (1, most):
        assert parse(contentType=content_type, fileSize=size).file_size == size
    for size in (most + 1, 10**30):
        error = refusal(contentType=content_type, fileSize=size)
        assert isinstance(error, FileTooLarge)
        assert (error.code, error.field) == ("FILE_TOO_LARGE", "fileSize")
        assert str(most) in error.message


@pytest.mark.parametrize("field", ["service", "album"])
@pytest.mark.parametrize("value", NOT_NAMES)
def test_a_name_that_could_not_stand_in_a_key_is_refused(field: str, value: object) -> None:
    error = refusal(**{field: value})
    assert (error.code, error.field) == ("INVALID_FIELD", field)


@pytest.mark.parametrize(
    "value", [*NOT_STRINGS, "", "Private", "PUBLIC", " public", "unlisted", "public\n"]
)
def test_a_visibility_that_is_none_is_refused(value: object) -> None:
    error = refusal(visibility=value)
    assert (error.code, error.field) == ("INVALID_FIELD", "visibility")


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.none() | st.booleans() | st.integers() | st.floats() | st.text()
            | st.lists(st.integers(), max_size=2) | st.sampled_from(list(MEDIA_TYPES))
            for name in (*PHOTO, "album", "visibility")
        },
    )
)  # fmt: skip
def test_whatever_comes_is_parsed_or_refused_by_name(fields: dict[str, object]) -> None:
    refused: InvalidInput | None = None
    try:
        upload = UploadRequest.parse({**PHOTO, **fields}, MAX_BYTES)
    except InvalidInput as error:
        refused = error
    if refused is not None:
        assert {"field", "fields"} & refused.details.keys()
    else:
        assert upload.content_type in MEDIA_TYPES
        assert upload.file_size <= MAX_BYTES[MEDIA_TYPES[upload.content_type].kind]


@pytest.mark.parametrize(
    ("scope", "album", "key"),
    [
        ("t:acme", None, "t/acme/blog/2026/11/ID.jpg"),
        ("u:user_789", None, "u/user_789/blog/2026/11/ID.jpg"),
        ("t:acme", "summer", "t/acme/blog/a/summer/ID.jpg"),
        ("u:user_789", "summer", "u/user_789/blog/a/summer/ID.jpg"),
    ],
)
def test_a_key_says_whose_it_is_and_what_for(scope: str, album: str | None, key: str) -> None:
    assert parse(album=album).key(scope, "ID", NOVEMBER) == key


@pytest.mark.parametrize(
    ("content_type", "extension"),
    [
        ("image/jpeg", "jpg"), ("image/png", "png"), ("image/webp", "webp"), ("image/gif", "gif"),
        ("image/svg+xml", "svg"), ("image/avif", "avif"), ("video/mp4", "mp4"),
        ("video/webm", "webm"), ("application/pdf", "pdf"),
    ],
)  # fmt: skip
def test_a_key_ends_as_its_type_does_whatever_the_file_is_called(
    content_type: str, extension: str
) -> None:
    upload = parse(contentType=content_type, fileName="evil.html")
    assert upload.key("t:acme", "ID", NOVEMBER).endswith(f"/ID.{extension}")


def test_nothing_else_can_be_uploaded() -> None:
    assert set(MEDIA_TYPES) == {
        "image/jpeg", "image/png", "image/webp", "image/gif", "image/svg+xml", "image/avif",
        "video/mp4", "video/webm", "application/pdf",
    }  # fmt: skip


def test_the_month_of_a_key_is_that_of_utc() -> None:
    last = int(datetime(2026, 11, 30, 23, 59, 59, 999_000, tzinfo=UTC).timestamp() * 1000)
    assert parse().key("t:acme", "ID", last) == "t/acme/blog/2026/11/ID.jpg"
    assert parse().key("t:acme", "ID", last + 1) == "t/acme/blog/2026/12/ID.jpg"


@given(
    owner=st.sampled_from("tu"),
    owner_id=NAMES,
    service=NAMES,
    album=st.none() | NAMES,
    content_type=st.sampled_from(list(MEDIA_TYPES)),
    entropy=st.binary(min_size=NANOID_LENGTH, max_size=NANOID_LENGTH),
    now=st.integers(min_value=NOVEMBER, max_value=NOVEMBER * 2),
)
def test_every_key_that_is_made_can_be_delivered(
    owner: str,
    owner_id: str,
    service: str,
    album: str | None,
    content_type: str,
    entropy: bytes,
    now: int,
) -> None:
    upload = parse(service=service, album=album, contentType=content_type)
    key = upload.key(f"{owner}:{owner_id}", nanoid(entropy), now)
    folder = rf"a/{re.escape(album)}" if album else r"\d{4}/(0[1-9]|1[0-2])"
    assert re.fullmatch(
        rf"{owner}/{owner_id}/{service}/{folder}/[A-Za-z0-9_-]{{21}}\.[a-z0-9]{{3,4}}", key
    )
    url = delivery_url("https://media.example.com", key, None)
    assert key_of(url.removeprefix("https://media.example.com/m/"), ("u/", "t/")) == key


@given(st.binary(max_size=64))
def test_an_id_has_a_character_of_nanoids_alphabet_for_each_byte(entropy: bytes) -> None:
    identifier = nanoid(entropy)
    assert len(identifier) == len(entropy)
    assert set(identifier) <= set(string.ascii_letters + string.digits + "_-")


def test_each_character_of_an_id_is_as_likely_as_the_others() -> None:
    assert sorted(nanoid(bytes(range(256)))) == sorted(nanoid(bytes(range(64))) * 4)
    assert len(set(nanoid(bytes(range(64))))) == 64
    assert NANOID_LENGTH == 21


def test_the_id_of_a_file_is_taken_as_it_is() -> None:
    for value in ("media_" + "a" * 21, "media_xK9mQ2pL-_aB3nR7kWaaa"):
        assert parse_media_id(value) == value


def test_an_id_that_is_missing_is_named() -> None:
    with pytest.raises(MissingFields) as refused:
        parse_media_id(None)
    assert refused.value.fields == ("mediaId",)


@pytest.mark.parametrize(
    "value",
    [
        *NOT_STRINGS, "", "media_", "a" * 27, "media_" + "a" * 20, "media_" + "a" * 22,
        "media_" + "a" * 20 + "\n", "media_" + "a" * 20 + "/", "media_" + "ü" * 21,
        "MEDIA_" + "a" * 21, " media_" + "a" * 20, "'; DROP TABLE media_files",
    ],
)  # fmt: skip
def test_what_cannot_be_the_id_of_a_file_is_refused(value: object) -> None:
    with pytest.raises(InvalidField) as refused:
        parse_media_id(value)
    assert refused.value.field == "mediaId"


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (NOVEMBER, "2026-11-20T11:26:40.123Z"),
        (1_795_174_000_007, "2026-11-20T11:26:40.007Z"),
        (1_709_164_800_999, "2024-02-29T00:00:00.999Z"),
    ],
)
def test_an_instant_is_written_in_utc_to_the_millisecond(milliseconds: int, text: str) -> None:
    assert instant(milliseconds) == text


def test_a_file_is_shown_without_what_is_nobody_elses_business() -> None:
    file = MediaFile(
        id="media_aaaaaaaaaaaaaaaaaaaaa",
        scope="t:acme",
        key="t/acme/blog/2026/11/aaaaaaaaaaaaaaaaaaaaa.jpg",
        service="blog",
        album=None,
        file_name="beach.jpg",
        content_type="image/jpeg",
        file_size=5,
        status=Status.UPLOADED,
        visibility="private",
        managed_by="backend",
        uploaded_by="alice",
        etag='"tag"',
        url_expires_at=NOVEMBER,
        created_at=NOVEMBER,
        uploaded_at=NOVEMBER + 1,
        facts=Facts(width=640, height=480, duration=1_500, codec="avc1", animated=True),
    )
    assert file.to_wire() == {
        "mediaId": "media_aaaaaaaaaaaaaaaaaaaaa",
        "key": "t/acme/blog/2026/11/aaaaaaaaaaaaaaaaaaaaa.jpg",
        "status": "uploaded",
        "fileName": "beach.jpg",
        "contentType": "image/jpeg",
        "fileSize": 5,
        "service": "blog",
        "album": None,
        "visibility": "private",
        "managedBy": "backend",
        "etag": '"tag"',
        "sha256": None,
        "width": 640,
        "height": 480,
        "durationMs": 1_500,
        "codec": "avc1",
        "animated": True,
        "alpha": None,
        "createdAt": "2026-11-20T11:26:40.123Z",
        "uploadedAt": "2026-11-20T11:26:40.124Z",
    }
