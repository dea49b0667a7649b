from collections.abc import Mapping

import pytest

from media_engine.errors import Forbidden, InvalidField, Unauthorized
from media_engine.signing.gateway import (
    OWNER,
    READ,
    WRITE,
    GatewayKeys,
    GatewayKeysError,
    Identity,
)

HEADERS = {
    "x-user-id": "alice",
    "x-tenant-id": "acme",
    "x-user-permissions": "media:files.read,media:files.write",
}
FIELDS: Mapping[str, object] = {
    "userId": "alice",
    "tenantId": "acme",
    "permissions": ["media:files.read", "media:files.write"],
}
NOT_IDS = ["a b", "a/b", "..", "a\n", "ü", "a" * 65, "alice, bob", "t:acme", " "]


def without(name: str) -> dict[str, str]:
    return {header: value for header, value in HEADERS.items() if header != name}


def test_every_key_is_accepted_and_no_other() -> None:
    keys = GatewayKeys.parse("first, second ,third")
    for key in ("first", "second", "third"):
        assert keys.accepts(key)
    for other in (None, "", " ", "firs", "first ", "First", "first, second ,third", "é", "\ud800"):
        assert not keys.accepts(other)


def test_a_key_may_hold_any_character_but_a_comma() -> None:
    assert GatewayKeys.parse("schlüssel:=?").accepts("schlüssel:=?")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no keys"),
        (" \n", "has no keys"),
        (",", "has an empty key between its commas"),
        ("secret,", "has an empty key between its commas"),
        (",secret", "has an empty key between its commas"),
        ("secret, ,other", "has an empty key between its commas"),
    ],
)
def test_an_empty_key_is_refused(text: str, why: str) -> None:
    with pytest.raises(GatewayKeysError) as refused:
        GatewayKeys.parse(text)
    assert str(refused.value) == why


def test_the_development_key_is_known_in_any_place() -> None:
    assert GatewayKeys.parse("dev-gateway-key").has_development_key
    assert GatewayKeys.parse("secret, dev-gateway-key").has_development_key
    assert not GatewayKeys.parse("secret").has_development_key


def test_no_keys_accept_nobody() -> None:
    keys = GatewayKeys.empty()
    assert not keys.has_development_key
    for presented in (None, "", "dev-gateway-key"):
        assert not keys.accepts(presented)


def test_no_repr_shows_a_key() -> None:
    keys = GatewayKeys.parse("secret")
    assert repr(keys) == "GatewayKeys()"


def test_an_identity_is_what_the_headers_say() -> None:
    assert Identity.from_headers(HEADERS.get) == Identity("alice", "acme", frozenset({READ, WRITE}))


def test_an_identity_is_what_the_service_binding_says() -> None:
    assert Identity.from_mapping(FIELDS) == Identity.from_headers(HEADERS.get)


def test_a_user_without_a_tenant_has_their_own_scope() -> None:
    for identity in (
        Identity.from_headers(without("x-tenant-id").get),
        Identity.from_mapping({**FIELDS, "tenantId": None}),
        Identity.from_mapping({"userId": "alice"}),
    ):
        assert identity.tenant_id is None
        assert identity.scope == "u:alice"


def test_a_user_of_a_tenant_has_the_tenants_scope() -> None:
    assert Identity.from_headers(HEADERS.get).scope == "t:acme"


def test_a_shim_says_who_it_is() -> None:
    headers, fields = {**HEADERS, "x-media-shim": "backend"}, {**FIELDS, "shim": "backend"}
    assert Identity.from_headers(headers.get).shim == "backend"
    assert Identity.from_mapping(fields) == Identity.from_headers(headers.get)
    assert Identity.from_headers(HEADERS.get).shim is None
    assert Identity.from_mapping({**FIELDS, "shim": None}).shim is None


def test_nobody_is_not_authorised() -> None:
    for headers in (without("x-user-id"), {**HEADERS, "x-user-id": ""}):
        with pytest.raises(Unauthorized):
            Identity.from_headers(headers.get)
    for fields in ({**FIELDS, "userId": None}, {**FIELDS, "userId": ""}, {}):
        with pytest.raises(Unauthorized):
            Identity.from_mapping(fields)


@pytest.mark.parametrize("name", ["x-user-id", "x-tenant-id", "x-media-shim"])
@pytest.mark.parametrize("value", NOT_IDS)
def test_a_header_that_is_no_id_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidField) as refused:
        Identity.from_headers({**HEADERS, name: value}.get)
    assert refused.value.field == name


@pytest.mark.parametrize("name", ["userId", "tenantId", "shim"])
@pytest.mark.parametrize("value", [*NOT_IDS, 7, True, ["alice"], {}])
def test_a_field_that_is_no_id_is_named(name: str, value: object) -> None:
    with pytest.raises(InvalidField) as refused:
        Identity.from_mapping({**FIELDS, name: value})
    assert refused.value.field == name


def test_an_empty_tenant_does_not_become_the_users_own_scope() -> None:
    with pytest.raises(InvalidField):
        Identity.from_headers({**HEADERS, "x-tenant-id": ""}.get)
    with pytest.raises(InvalidField):
        Identity.from_mapping({**FIELDS, "tenantId": ""})


def test_an_empty_shim_does_not_leave_its_files_to_everybody() -> None:
    with pytest.raises(InvalidField):
        Identity.from_headers({**HEADERS, "x-media-shim": ""}.get)
    with pytest.raises(InvalidField):
        Identity.from_mapping({**FIELDS, "shim": ""})


def test_an_id_may_be_64_characters_long() -> None:
    assert Identity.from_headers({**HEADERS, "x-user-id": "A-z_9" + "a" * 59}.get)


@pytest.mark.parametrize(
    ("header", "permissions"),
    [
        (None, set()),
        ("", set()),
        (" , ", set()),
        ("media:files.read", {READ}),
        (" media:files.read , system:owner,,", {READ, OWNER}),
    ],
)
def test_permissions_are_a_list_with_commas(header: str | None, permissions: set[str]) -> None:
    headers = without("x-user-permissions")
    if header is not None:
        headers["x-user-permissions"] = header
    assert Identity.from_headers(headers.get).permissions == permissions


@pytest.mark.parametrize("value", ["media:files.read", 7, {"system:owner": True}, [OWNER, 1]])
def test_permissions_that_are_no_list_of_strings_are_refused(value: object) -> None:
    with pytest.raises(InvalidField) as refused:
        Identity.from_mapping({**FIELDS, "permissions": value})
    assert refused.value.field == "permissions"


@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [
        ({READ}, {READ}),
        ({WRITE}, {WRITE}),
        ({READ, WRITE}, {READ, WRITE}),
        ({OWNER}, {READ, WRITE}),
        (set(), set()),
        ({"media:files"}, set()),
        ({"media:files.read "}, set()),
    ],
)
def test_a_caller_may_do_what_they_are_permitted(permissions: set[str], allowed: set[str]) -> None:
    identity = Identity("alice", None, frozenset(permissions))
    for permission in (READ, WRITE):
        if permission in allowed:
            identity.require(permission)
        else:
            with pytest.raises(Forbidden, match=permission):
                identity.require(permission)
