"""What an access token may be asked for, and what is answered.

Ids that are made here begin with the code of the shard that knows them, because an id can arrive
without its scope, by which a shard is chosen otherwise. There is one shard, `0`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from media_engine.errors import InvalidField, MissingFields
from media_engine.uploads.model import NANOID_LENGTH, instant, nanoid, parse_media_id, parse_name

LONGEST_LIFE: Final = 86_400
"""How long an access token lives, in seconds, if no shorter life is asked for."""

MOST_FILES: Final = 1_000
"""How many files a set may have."""

LONGEST_TOKEN_ID: Final = 3_072
"""In bytes: more than the payload of a delivery token can hold."""

SHARD: Final = "0"

ID_BYTES: Final = NANOID_LENGTH


def new_token_id(entropy: bytes) -> str:
    """Return the id of a token: the shard's code, and a nanoid."""
    return SHARD + nanoid(entropy)


@dataclass(frozen=True, slots=True)
class Album:
    """An album, whose files a token opens by their keys.

    Attributes:
        service: which part of the application it is of.
        name: its name.
    """

    service: str
    name: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Files that were chosen one by one.

    Attributes:
        ids: their ids, each once.
    """

    ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """What a token is asked for: every field was looked at.

    Attributes:
        files: what it is to open.
        life: how long it is to live, in seconds.
    """

    files: Album | Selection
    life: int

    @classmethod
    def parse(cls, fields: Mapping[str, object]) -> "AccessRequest":
        """Read the fields of `POST /api/v1/media/access-token`.

        Raises:
            MissingFields: naming those of an album that are missing, where no ids are given.
            InvalidField: naming the first that is wrong.
        """
        ids = fields.get("ids")
        names = {name: fields.get(name) for name in ("service", "album")}
        if ids is None:
            missing = [name for name, value in names.items() if value is None]
            if missing:
                raise MissingFields(missing)
            service, album = (parse_name(name, value) for name, value in names.items())
            return cls(Album(service, album), _life(fields.get("expiresIn")))
        if any(value is not None for value in names.values()):
            raise InvalidField("ids", "must not stand beside service and album")
        return cls(Selection(_ids(ids)), _life(fields.get("expiresIn")))


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that was given out.

    Attributes:
        token: its text, a secret.
        token_id: its id, by which it is revoked.
        expires_at: the second from which on it opens nothing.
        url: what comes before a key in the URL of each file that it opens; as secret.
        prefix: what the keys begin with that it opens, or None for a set.
        keys: for each id of a set the file's key, or None for an album.
    """

    token: str = field(repr=False)
    token_id: str
    expires_at: int
    url: str = field(repr=False)
    prefix: str | None
    keys: Mapping[str, str] | None

    def to_wire(self) -> dict[str, object]:
        """Return the token as the API shows it."""
        opens = {"prefix": self.prefix} if self.keys is None else {"keys": dict(self.keys)}
        return {
            "token": self.token,
            "tokenId": self.token_id,
            "expiresAt": instant(self.expires_at * 1000),
            "url": self.url,
            **opens,
        }


def parse_token_id(value: str) -> str:
    """Read the id of a token, as it stands in a path, once decoded. Its minter may be anybody.

    Raises:
        InvalidField: no token can have it.
    """
    if "\ufffd" in value:
        # What the router puts where the path was not UTF-8.
        raise InvalidField("tokenId", "must be UTF-8, percent-encoded")
    if len(value.encode("utf-8")) > LONGEST_TOKEN_ID:
        raise InvalidField("tokenId", f"must have at most {LONGEST_TOKEN_ID} bytes")
    return value


def _ids(value: object) -> Sequence[str]:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_FILES:
        raise InvalidField("ids", f"must be a list of 1 to {MOST_FILES} ids")
    try:
        return list(dict.fromkeys(parse_media_id(one) for one in value))
    except (InvalidField, MissingFields):
        raise InvalidField("ids", "must hold nothing but ids of files") from None


def _life(value: object) -> int:
    if value is None:
        return LONGEST_LIFE
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidField("expiresIn", "must be a whole number of seconds")
    if not 1 <= value <= LONGEST_LIFE:
        raise InvalidField("expiresIn", f"must be 1 to {LONGEST_LIFE} seconds")
    return value
