"""Everything that may be answered instead of what was asked for.

    MediaError
    ├── InvalidInput                  400
    │   ├── MissingFields             MISSING_FIELDS
    │   ├── InvalidField              INVALID_FIELD
    │   ├── UnsupportedMime           UNSUPPORTED_MIME
    │   ├── FileTooLarge              FILE_TOO_LARGE
    │   ├── SsrfBlocked               SSRF_BLOCKED
    │   └── RedirectLoop              REDIRECT_LOOP
    ├── Unauthorized              401 UNAUTHORIZED
    ├── TokenRefused              401
    │   ├── TokenMissing              TOKEN_MISSING
    │   ├── TokenMalformed            TOKEN_MALFORMED
    │   ├── TokenBadSignature         TOKEN_BAD_SIGNATURE
    │   ├── TokenUnknownKey           TOKEN_UNKNOWN_KEY
    │   ├── TokenExpired              TOKEN_EXPIRED
    │   ├── TokenNotYetValid          TOKEN_NOT_YET_VALID
    │   ├── TokenTtlTooLong           TOKEN_TTL_TOO_LONG
    │   ├── TokenKeyMismatch          TOKEN_KEY_MISMATCH
    │   └── TokenRevoked          410 TOKEN_REVOKED
    ├── QuotaExceeded             402 QUOTA_EXCEEDED
    ├── Forbidden                 403 FORBIDDEN
    ├── RouteNotFound             404 NOT_FOUND
    ├── MediaAbsent
    │   ├── MediaNotFound         404 MEDIA_NOT_FOUND
    │   │   └── NoSuchKey
    │   └── MediaGone             410 MEDIA_GONE
    ├── MethodNotAllowed          405 METHOD_NOT_ALLOWED
    ├── UploadIncomplete          409 UPLOAD_INCOMPLETE
    ├── HashPending               409 HASH_PENDING
    ├── AlreadyCommitted          409 ALREADY_COMMITTED
    ├── WayTaken                  409 UPLOAD_WAY_TAKEN
    ├── OffsetMismatch            409 OFFSET_MISMATCH
    ├── MediaManaged              409 MEDIA_MANAGED
    ├── IdempotencyKeyInUse       409 IDEMPOTENCY_KEY_IN_USE
    ├── PreconditionFailed        412 PRECONDITION_FAILED
    ├── UnsupportedProtocol       412 TUS_VERSION
    ├── UnsupportedBody           415 UNSUPPORTED_BODY
    ├── RangeNotSatisfiable       416 RANGE_NOT_SATISFIABLE
    ├── ContentMismatch           422 CONTENT_MISMATCH
    ├── OutsideLimits             422 OUTSIDE_LIMITS
    ├── IdempotencyKeyReused      422 IDEMPOTENCY_KEY_REUSED
    ├── UploadLocked              423 UPLOAD_LOCKED
    ├── ChecksumMismatch          460 CHECKSUM_MISMATCH
    ├── RateLimited               429 RATE_LIMITED
    ├── Unforeseen                500 INTERNAL_ERROR
    ├── DatabaseError             500 DB_ERROR
    ├── R2Unavailable             502 R2_UNAVAILABLE
    ├── SourceUnavailable         502 SOURCE_UNAVAILABLE
    └── NotConfigured             503 MEDIA_NOT_CONFIGURED
        └── R2NotConfigured       503 R2_NOT_CONFIGURED

A code means one cause. An error keeps what it was about (`field`, `setting`), so that whoever
catches it need not take its sentence apart. `http.envelope` turns it into a response, once.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class MediaError(Exception):
    """The root: what every refusal has.

    Args:
        message: one sentence for a person. It is sent, so it holds no secret.
        reason: what the log should know beyond the message; never sent.

    Attributes:
        headers: what the answer must carry beside the envelope's own.
        context: members that its line in the log has besides; never sent.
    """

    code: ClassVar[str]
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.headers: dict[str, str] = {}
        self.context: Mapping[str, str] = {}

    @property
    def details(self) -> Mapping[str, object]:
        """Members that the envelope has beside `error`, `code`, `status` and `requestId`."""
        return {}


class Unforeseen(MediaError):
    """What nobody foresaw. What it was is in the log, under the request's id."""

    code = "INTERNAL_ERROR"

    def __init__(self) -> None:
        super().__init__("Something went wrong here.")


class InvalidInput(MediaError):
    status = 400


class MissingFields(InvalidInput):
    """Fields that must be there are not."""

    code = "MISSING_FIELDS"

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__(f"Missing: {', '.join(fields)}.")
        self.fields = tuple(fields)

    @property
    def details(self) -> Mapping[str, object]:
        return {"fields": list(self.fields)}


class InvalidField(InvalidInput):
    """A field is there and cannot be used.

    Args:
        field: its name on the wire.
        why: the rest of the sentence that the name begins, such as "must be a whole number".
    """

    code = "INVALID_FIELD"

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field} {why}.")
        self.field = field
        self.why = why

    @property
    def details(self) -> Mapping[str, object]:
        return {"field": self.field}


class UnsupportedMime(InvalidField):
    code = "UNSUPPORTED_MIME"


class FileTooLarge(InvalidField):
    code = "FILE_TOO_LARGE"


class SsrfBlocked(InvalidInput):
    """A URL, or where it redirects to, is not on the public internet.

    Args:
        reason: what about it, for the log: the caller could learn of a network that it cannot see.
    """

    code = "SSRF_BLOCKED"

    def __init__(self, *, reason: str) -> None:
        super().__init__("url leads to where nothing is fetched from.", reason=reason)

    @property
    def details(self) -> Mapping[str, object]:
        return {"field": "url"}


class RedirectLoop(InvalidField):
    code = "REDIRECT_LOOP"


class Unauthorized(MediaError):
    code = "UNAUTHORIZED"
    status = 401


class TokenRefused(MediaError):
    """A delivery token that opens nothing; the subclass says why."""

    status = 401
    sentence: ClassVar[str]

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(self.sentence, reason=reason)


class TokenMissing(TokenRefused):
    code = "TOKEN_MISSING"
    sentence = "This file is private: its URL needs a token."


class TokenMalformed(TokenRefused):
    code = "TOKEN_MALFORMED"
    sentence = "The token cannot be read."


class TokenBadSignature(TokenRefused):
    code = "TOKEN_BAD_SIGNATURE"
    sentence = "The token was not signed by a key of this service."


class TokenUnknownKey(TokenRefused):
    code = "TOKEN_UNKNOWN_KEY"
    sentence = "The token names a key that this service does not have."


class TokenExpired(TokenRefused):
    code = "TOKEN_EXPIRED"
    sentence = "The token has expired: ask for a new URL."


class TokenNotYetValid(TokenRefused):
    code = "TOKEN_NOT_YET_VALID"
    sentence = "The token is not valid yet."


class TokenTtlTooLong(TokenRefused):
    code = "TOKEN_TTL_TOO_LONG"
    sentence = "The token lives longer than this service allows."


class TokenKeyMismatch(TokenRefused):
    code = "TOKEN_KEY_MISMATCH"
    sentence = "The token is for another file."


class TokenRevoked(TokenRefused):
    code = "TOKEN_REVOKED"
    status = 410
    sentence = "The token was revoked."


class QuotaExceeded(MediaError):
    """The file does not fit into what its scope may have.

    Args:
        bytes_left: how many bytes still fit.
        files_left: how many files still fit.
    """

    code = "QUOTA_EXCEEDED"
    status = 402

    def __init__(self, bytes_left: int, files_left: int) -> None:
        super().__init__(f"The quota is used up: {bytes_left} bytes and {files_left} files left.")
        self.bytes_left = bytes_left
        self.files_left = files_left

    @property
    def details(self) -> Mapping[str, object]:
        return {"bytesLeft": self.bytes_left, "filesLeft": self.files_left}


class Forbidden(MediaError):
    code = "FORBIDDEN"
    status = 403


class RouteNotFound(MediaError):
    code = "NOT_FOUND"
    status = 404

    def __init__(self) -> None:
        super().__init__("There is nothing here.")


class MediaAbsent(MediaError):
    """The file is not there."""

    sentence: ClassVar[str]

    def __init__(self, *, reason: str | None = None) -> None:
        super().__init__(self.sentence, reason=reason)


class MediaNotFound(MediaAbsent):
    """There is no such file, or none that the caller may know of.

    Args:
        media_id: which of several, where several were asked for.
        reason: what the log should know; never sent.
    """

    code = "MEDIA_NOT_FOUND"
    status = 404
    sentence = "There is no such file."

    def __init__(self, media_id: str | None = None, *, reason: str | None = None) -> None:
        super().__init__(reason=reason)
        self.media_id = media_id

    @property
    def details(self) -> Mapping[str, object]:
        return {} if self.media_id is None else {"mediaId": self.media_id}


class NoSuchKey(MediaNotFound):
    """No file can have this key."""


class MediaGone(MediaAbsent):
    code = "MEDIA_GONE"
    status = 410
    sentence = "This file was deleted."


class MethodNotAllowed(MediaError):
    """The resource exists and does not have this method (RFC 9110 §15.5.6).

    Args:
        allow: the methods that it has.
    """

    code = "METHOD_NOT_ALLOWED"
    status = 405

    def __init__(self, allow: Sequence[str]) -> None:
        super().__init__(f"Use {' or '.join(allow)}.")
        self.allow = tuple(allow)
        self.headers["Allow"] = ", ".join(allow)


class UploadIncomplete(MediaError):
    code = "UPLOAD_INCOMPLETE"
    status = 409


class AlreadyCommitted(MediaError):
    """The upload is finished: what is there is a file."""

    code = "ALREADY_COMMITTED"
    status = 409

    def __init__(self) -> None:
        super().__init__("This upload is finished: delete the file instead.")


class WayTaken(MediaError):
    """The upload has begun to come in another way, and one way excludes the others."""

    code = "UPLOAD_WAY_TAKEN"
    status = 409

    def __init__(self) -> None:
        super().__init__("This upload was begun in another way: go on with that, or begin anew.")


class OffsetMismatch(MediaError):
    """Bytes were sent that do not follow those that are there.

    Args:
        received: how many are there.
    """

    code = "OFFSET_MISMATCH"
    status = 409

    def __init__(self, received: int) -> None:
        super().__init__(f"{received} bytes are there: go on behind them.")
        self.received = received


class UploadLocked(MediaError):
    """Somebody else is sending to this upload."""

    code = "UPLOAD_LOCKED"
    status = 423

    def __init__(self) -> None:
        super().__init__("Another request is sending to this upload. Try again.")
        self.headers["Retry-After"] = "2"


class ChecksumMismatch(MediaError):
    """The bytes are not those that the checksum was made of. None of them was kept."""

    code = "CHECKSUM_MISMATCH"
    status = 460

    def __init__(self) -> None:
        super().__init__("The bytes do not have this checksum: send them again.")


class MediaManaged(MediaError):
    """Another than the caller decides what becomes of this file."""

    code = "MEDIA_MANAGED"
    status = 409

    def __init__(self) -> None:
        super().__init__("The application manages this file: delete or change it there.")


class HashPending(MediaError):
    """What was stored is being hashed, and that takes longer than a request should."""

    code = "HASH_PENDING"
    status = 409

    def __init__(self) -> None:
        super().__init__("The file is being checked against its sha256: complete again soon.")
        self.headers["Retry-After"] = "5"


class PreconditionFailed(MediaError):
    code = "PRECONDITION_FAILED"
    status = 412

    def __init__(self) -> None:
        super().__init__("The file is not the one that the request was conditional on.")


class UnsupportedProtocol(MediaError):
    """The client speaks another version of tus, or does not say which.

    Args:
        version: the version that is spoken here.
    """

    code = "TUS_VERSION"
    status = 412

    def __init__(self, version: str) -> None:
        super().__init__(f"Tus-Resumable must be {version}.")
        self.headers["Tus-Version"] = version


class UnsupportedBody(MediaError):
    """The body is of a type that this resource does not take (RFC 9110 §15.5.16)."""

    code = "UNSUPPORTED_BODY"
    status = 415


class RangeNotSatisfiable(MediaError):
    """No asked byte is inside the object (RFC 9110 §15.5.17).

    Args:
        size: the object's length in bytes.
    """

    code = "RANGE_NOT_SATISFIABLE"
    status = 416

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes.")
        self.size = size
        self.headers["Content-Range"] = f"bytes */{size}"
        self.headers["Accept-Ranges"] = "bytes"


class ContentMismatch(MediaError):
    """What was stored is not what was declared.

    Args:
        message: one sentence for a person.
        field: the field of the declaration that it contradicts; None if it contradicts itself.
        reason: what the log should know beyond the message; never sent.
    """

    code = "CONTENT_MISMATCH"
    status = 422

    def __init__(
        self, message: str, *, field: str | None = None, reason: str | None = None
    ) -> None:
        super().__init__(message, reason=reason)
        self.field = field

    @property
    def details(self) -> Mapping[str, object]:
        return {} if self.field is None else {"field": self.field}


class OutsideLimits(MediaError):
    """A file is what it was declared as, and larger, smaller or longer than it may be.

    Args:
        limit: the name of the limit, on the wire.
        message: one sentence for a person.
    """

    code = "OUTSIDE_LIMITS"
    status = 422

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit

    @property
    def details(self) -> Mapping[str, object]:
        return {"limit": self.limit}


class IdempotencyKeyReused(MediaError):
    code = "IDEMPOTENCY_KEY_REUSED"
    status = 422

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was sent with another request: make a new one.")


class IdempotencyKeyInUse(MediaError):
    """The request of this name is still being answered."""

    code = "IDEMPOTENCY_KEY_IN_USE"
    status = 409

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still running.")
        self.headers["Retry-After"] = "5"


class RateLimited(MediaError):
    code = "RATE_LIMITED"
    status = 429

    def __init__(self) -> None:
        super().__init__("Too many requests: wait a minute.")
        self.headers["Retry-After"] = "60"


class DatabaseError(MediaError):
    code = "DB_ERROR"

    def __init__(self, *, reason: str) -> None:
        super().__init__("The database did not answer. Try again.", reason=reason)


class R2Unavailable(MediaError):
    code = "R2_UNAVAILABLE"
    status = 502

    def __init__(self, *, reason: str) -> None:
        super().__init__("The object store did not answer. Try again.", reason=reason)


class SourceUnavailable(MediaError):
    """No file came from a URL.

    Args:
        reason: why, for the log. To the caller a port that is closed, a server that is silent and
            one that answers 404 are the same.
    """

    code = "SOURCE_UNAVAILABLE"
    status = 502

    def __init__(self, *, reason: str) -> None:
        super().__init__("No file came from this URL.", reason=reason)


class NotConfigured(MediaError):
    """A setting is missing or wrong.

    Args:
        setting: its name.
        why: the rest of the sentence that the name begins.
    """

    code = "MEDIA_NOT_CONFIGURED"
    status = 503

    def __init__(self, setting: str, why: str) -> None:
        super().__init__(f"{setting} {why}.")
        self.setting = setting
        self.why = why

    @property
    def details(self) -> Mapping[str, object]:
        return {"setting": self.setting}


class R2NotConfigured(NotConfigured):
    code = "R2_NOT_CONFIGURED"
