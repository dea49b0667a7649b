"""What the tests of transfers send."""

from collections.abc import Mapping
from typing import Any

from media_engine.http.message import Response
from media_engine.signing.gateway import OWNER, READ, WRITE
from tests.unit.engine import ALICE_HEADERS, Engine, members, to_json

MIB = 1024 * 1024
PART = 5 * MIB

BOB_HEADERS: Mapping[str, str] = {
    **ALICE_HEADERS,
    "x-user-id": "bob",
    "x-tenant-id": "globex",
}
OWNER_HEADERS: Mapping[str, str] = {
    **ALICE_HEADERS,
    "x-user-permissions": f"{READ},{WRITE},{OWNER}",
}
VIDEO: Mapping[str, object] = {
    "fileName": "a.mp4",
    "contentType": "video/mp4",
    "service": "blog",
}


def opened(engine: Engine, size: int, **fields: object) -> dict[str, Any]:
    """Open a transfer of Alice's for a video of so many bytes."""
    body = to_json({**VIDEO, "fileSize": size, **fields})
    answer = engine.fetch("POST", "/upload/open", ALICE_HEADERS, body)
    assert answer.status == 201, answer.body
    return members(answer)


def bearer(transfer: Mapping[str, Any], **headers: str) -> dict[str, str]:
    """Return the headers of a browser that has a transfer's token."""
    return {
        "authorization": f"Bearer {transfer['uploadToken']}",
        "content-type": "application/json",
        **headers,
    }


def code(answer: Response) -> str:
    """Return the status with the code of the refusal."""
    return f"{answer.status} {members(answer).get('code', '')}".strip()


def stored(engine: Engine, key: str) -> bytes:
    """Return the bytes of an object."""
    return engine.store._objects[key][1]


def rows(engine: Engine, table: str) -> list[dict[str, Any]]:
    """Return every row of a table."""
    cursor = engine.database._connection.execute(f"SELECT * FROM {table}")
    return [dict(row) for row in cursor.fetchall()]
