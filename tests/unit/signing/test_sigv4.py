import json
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import botocore.utils
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from media_engine.signing.sigv4 import Credentials, presign, presign_url

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "sigv4.json").read_text("utf-8"))
CREDENTIALS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
NOW = 1_764_000_000_000


def put(**changes: Any) -> str:
    arguments: dict[str, Any] = {
        "method": "PUT",
        "endpoint": "https://account.r2.cloudflarestorage.com",
        "bucket": "media",
        "key": "u/user_789/avatar/2026/04/a.jpg",
        "headers": {"content-type": "image/jpeg", "content-length": "7", "if-none-match": "*"},
        "credentials": CREDENTIALS,
        "now": NOW,
        "expires_in": 3600,
    }
    return presign(**{**arguments, **changes})


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_a_signature_is_the_published_one(case: dict[str, Any]) -> None:
    url = presign_url(
        method=case["method"],
        origin=case["origin"],
        path=case["path"],
        query=case["query"],
        headers=case["headers"],
        payload_hash=case["payloadHash"],
        credentials=Credentials(case["accessKeyId"], case["secretAccessKey"]),
        region=case["region"],
        service=case["service"],
        now=case["now"],
        expires_in=case["expiresIn"],
    )
    base, _, query = url.partition("?")
    assert base == case["origin"] + case["path"]
    assert query.split("&")[-1] == f"X-Amz-Signature={case['signature']}"


keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40) | st.text(
    " +%~/.&=?#;:@äé漢🎉'()*!\"", min_size=1, max_size=20
)
printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(["image/jpeg", "text/plain;  charset=utf-8"]),
        "content-disposition": st.just("inline; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20.jpg")
        | printable,
        "content-length": st.integers(0, 10**12).map(str),
        "if-none-match": st.just("*"),
        "x-amz-meta-x": printable,
    },
)
parameters = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# Those that begin so are the signature's own.
names = parameters.filter(lambda name: name and not name.lower().startswith("x-amz-"))
queries = st.dictionaries(names, parameters, max_size=3) | st.fixed_dictionaries(
    # A part of a multipart upload.
    {"partNumber": st.integers(1, 10_000).map(str), "uploadId": parameters.filter(bool)}
)


@given(
    method=st.sampled_from(["GET", "PUT", "DELETE"]),
    endpoint=st.sampled_from(
        [
            "https://account.r2.cloudflarestorage.com",
            "https://account.r2.cloudflarestorage.com/",
            "http://127.0.0.1:8787/cdn-cgi/local/r2/s3",
        ]
    ),
    key=keys,
    headers=headers,
    query=queries,
    expires_in=st.integers(1, 604_800),
)
def test_a_url_is_the_one_that_botocore_signs(
    method: str,
    endpoint: str,
    key: str,
    headers: dict[str, str],
    query: dict[str, str],
    expires_in: int,
) -> None:
    path = botocore.utils.percent_encode(key, safe="/~")
    request = AWSRequest(
        method=method,
        url=f"{endpoint.rstrip('/')}/media/{path}",
        headers=headers,
        params=query,
    )
    S3SigV4QueryAuth(
        BotocoreCredentials(CREDENTIALS.access_key_id, CREDENTIALS.secret_access_key),
        "s3",
        "auto",
        expires=expires_in,
    ).add_auth(request)
    signed_at = datetime.strptime(request.context["timestamp"], "%Y%m%dT%H%M%S%z")

    url = presign(
        method=method,
        endpoint=endpoint,
        bucket="media",
        key=key,
        headers=headers,
        credentials=CREDENTIALS,
        now=int(signed_at.timestamp()) * 1000 + 999,
        expires_in=expires_in,
        query=query,
    )

    ours, theirs = url.split("?"), request.url.split("?")
    assert ours[0] == theirs[0]
    assert sorted(ours[1].split("&")) == sorted(theirs[1].split("&"))


def test_the_path_of_the_endpoint_comes_before_the_bucket() -> None:
    url = put(endpoint="http://127.0.0.1:8787/cdn-cgi/local/r2/s3", key="u/a b/ü.jpg")
    assert url.partition("?")[0] == (
        "http://127.0.0.1:8787/cdn-cgi/local/r2/s3/media/u/a%20b/%C3%BC.jpg"
    )


def test_every_header_is_signed_and_host_with_them() -> None:
    names = "content-length;content-type;host;if-none-match"
    assert f"X-Amz-SignedHeaders={names}" in unquote(put())


@pytest.mark.parametrize(
    "change",
    [
        {"method": "GET"},
        {"endpoint": "https://other.r2.cloudflarestorage.com"},
        {"bucket": "other"},
        {"key": "u/user_789/avatar/2026/04/b.jpg"},
        {"headers": {"content-type": "image/jpeg", "content-length": "8", "if-none-match": "*"}},
        {"headers": {"content-type": "image/jpeg", "content-length": "7"}},
        {"credentials": Credentials("AKIDEXAMPLE", "another")},
        {"now": NOW + 1000},
        {"expires_in": 3599},
        {"query": {"partNumber": "1"}},
    ],
    ids=str,
)
def test_another_request_has_another_signature(change: dict[str, object]) -> None:
    assert put(**change).rpartition("=")[2] != put().rpartition("=")[2]


def test_an_instant_is_cut_to_its_second() -> None:
    assert put(now=NOW + 999) == put()
    assert "X-Amz-Date=20251124T160000Z" in put()


@pytest.mark.parametrize("expires_in", [0, -1, 604_801])
def test_a_url_opens_for_a_second_to_seven_days(expires_in: int) -> None:
    with pytest.raises(ValueError, match="604800"):
        put(expires_in=expires_in)
    assert put(expires_in=1)
    assert put(expires_in=604_800)


@pytest.mark.parametrize("value", ["a\nhost:evil.example", "a\r", "a\tb", "ü", "\x7f", "a\u00a0b"])
def test_a_value_that_would_not_be_sent_as_it_is_signed_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        put(headers={"content-disposition": value})


def test_no_repr_shows_the_secret() -> None:
    assert CREDENTIALS.secret_access_key not in repr(CREDENTIALS)
    assert CREDENTIALS.access_key_id in repr(CREDENTIALS)
