"""Rows that were lost, made again of what a shim says and what the object says to that."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from media_shim.testing.worker import fields
from media_shim.testing.worker.answers import Invalid, Missing
from media_shim.testing.worker.callers import Caller
from media_shim.testing.worker.names import cleaned
from media_shim.testing.worker.state import URL_LIFE, File, StoredObject, Stores
from media_shim.uploads import CONTENT_TYPES

LONGEST_BODY: Final = 512 * 1024
MOST_ENTRIES: Final = 100

_MOST_BYTES: Final = 5 * 2**40
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAME: Final = "[A-Za-z0-9_-]{1,64}"
_KEY: Final = re.compile(
    rf"(?P<owner>[tu]/{_NAME})/(?P<service>{_NAME})"
    rf"/(?:[0-9]{{4}}/(?:0[1-9]|1[0-2])|a/(?P<album>{_NAME}))"
    r"/(?P<nanoid>[A-Za-z0-9_-]{21})\.(?P<extension>[a-z0-9]+)"
)


@dataclass(frozen=True)
class _Lost:
    """An entry that can be used.

    Attributes:
        key: its key, taken apart.
        revision: the number of the last change.
        declared: what is said of it; None of an object that nobody knows.
        created_at: since when it is there, likewise.
    """

    key: re.Match[str]
    revision: int
    declared: dict[str, Any] | None
    created_at: datetime | None

    @property
    def media_id(self) -> str:
        return f"media_{self.key['nanoid']}"


class Restoration:
    """Makes rows again.

    Args:
        stores: where they were.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def restore(self, caller: Caller, body: dict[str, Any]) -> httpx.Response:
        """Answer `POST /managed/restore`."""
        lost = _entries(body.get("files"))
        shim = caller.managing()
        return httpx.Response(200, json={"files": [self._restored(each, shim) for each in lost]})

    def _restored(self, lost: _Lost, shim: str) -> dict[str, Any]:
        verdict = {"mediaId": lost.media_id, "key": lost.key.string}
        for file in self._stores.files.values():
            if file.key == lost.key.string or file.media_id == lost.media_id:
                return {**verdict, "verdict": "exists", "status": file.status}
        stored = self._stores.objects.get(lost.key.string)
        if stored is None:
            return {**verdict, "verdict": "no_object"}
        if stored.gone:
            return {**verdict, "verdict": "gone"}
        wrong = _disagreement(lost, stored)
        if wrong is not None:
            return {**verdict, "verdict": "mismatch", "field": wrong}
        self._stores.files[lost.media_id] = self._row(lost, stored, shim)
        return {**verdict, "verdict": "restored"}

    def _row(self, lost: _Lost, stored: StoredObject, shim: str) -> File:
        own_name = f"{lost.key['nanoid']}.{lost.key['extension']}"
        declared = lost.declared or {
            "fileName": cleaned(stored.file_name or own_name),
            "contentType": stored.content_type,
            "fileSize": stored.size,
            "visibility": "private",
        }
        return File(
            lost.media_id,
            lost.key["owner"].replace("/", ":"),
            lost.key.string,
            {**declared, "service": lost.key["service"], "album": lost.key["album"]},
            shim,
            created_at=lost.created_at or stored.uploaded_at,
            url_expires_at=stored.uploaded_at + URL_LIFE,
            updated_at=self._stores.now(),
            status="uploaded",
            etag=stored.etag,
            uploaded_at=stored.uploaded_at,
            revision=lost.revision,
        )


def _disagreement(lost: _Lost, stored: StoredObject) -> str | None:
    """Return the field in which the object is not what it should be; None if there is none."""
    size = stored.size if lost.declared is None else lost.declared["fileSize"]
    if stored.size != size or size < 1:
        return "fileSize"
    if CONTENT_TYPES.get(stored.content_type, ("", ""))[1] != lost.key["extension"]:
        return "contentType"
    return None


def _entries(value: object) -> list[_Lost]:
    if value is None:
        raise Missing("files")
    if not isinstance(value, list) or not 0 < len(value) <= MOST_ENTRIES:
        raise Invalid("files", f"must be a list of 1 to {MOST_ENTRIES} files")
    lost: dict[str, _Lost] = {}
    for number, members in enumerate(value):
        place = f"files[{number}]"
        if not isinstance(members, dict):
            raise Invalid(place, "must be an object")
        try:
            entry = _entry(members)
        except Missing as error:
            raise Missing(*[f"{place}.{name}" for name in error.names]) from None
        except Invalid as error:
            raise Invalid(f"{place}.{error.field}", error.why, error.code) from None
        if entry.media_id in lost:
            raise Invalid(f"{place}.key", "is there twice")
        lost[entry.media_id] = entry
    return list(lost.values())


def _entry(members: dict[str, Any]) -> _Lost:
    is_stray = members.get("quarantine")
    if not isinstance(is_stray, bool | None):
        raise Invalid("quarantine", "must be true or false")
    tenant = members.get("tenantId")
    user = () if is_stray and tenant is not None else ("userId",)
    declared = () if is_stray else ("fileName", "contentType", "fileSize", "createdAt")
    fields.require(members, "mediaId", "key", *user, *declared)
    if members.get("userId") is not None:
        fields.identifier("userId", members["userId"])
    if tenant is None:
        owner = f"u/{members['userId']}"
    else:
        owner = f"t/{fields.identifier('tenantId', tenant)}"
    key = _KEY.fullmatch(members["key"]) if isinstance(members["key"], str) else None
    if key is None:
        raise Invalid("key", "is not the key of a file")
    if key["owner"] != owner:
        raise Invalid("key", f"must begin with {owner}/")
    if fields.media_id(members["mediaId"]) != f"media_{key['nanoid']}":
        raise Invalid("mediaId", "is not the id of the file that has this key")
    revision = fields.revision(members.get("revision"), least=0) or 0
    if is_stray:
        return _Lost(key, revision, None, None)
    return _Lost(key, revision, _declared(members, key), _created_at(members["createdAt"]))


def _declared(members: dict[str, Any], key: re.Match[str]) -> dict[str, Any]:
    content_type = fields.content_type(members["contentType"])
    if CONTENT_TYPES[content_type][1] != key["extension"]:
        raise Invalid("key", f"must end as files of {content_type} do")
    return {
        "visibility": fields.visibility(members.get("visibility")),
        "fileName": fields.file_name(members["fileName"]),
        "contentType": content_type,
        "fileSize": fields.file_size(members["fileSize"], _MOST_BYTES),
    }


def _created_at(value: object) -> datetime:
    refusal = Invalid("createdAt", "must be an instant since 1970, with its zone (ISO 8601)")
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
        created_at = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise refusal from None
    if moment.tzinfo is None or created_at < _EPOCH:
        raise refusal
    return created_at
