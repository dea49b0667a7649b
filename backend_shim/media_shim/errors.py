"""Everything that the shim may answer instead of what was asked for.

    ShimError
    ├── InvalidInput              400
    │   ├── MissingFields             MISSING_FIELDS
    │   └── InvalidField              INVALID_FIELD
    │       └── UnsupportedMime       UNSUPPORTED_MIME
    ├── Unauthorized              401 UNAUTHORIZED
    ├── CsrfFailed                403 CSRF_FAILED
    ├── AttachDenied              403 FORBIDDEN
    ├── MediaNotFound             404 MEDIA_NOT_FOUND
    ├── MethodNotAllowed          405 METHOD_NOT_ALLOWED
    ├── AlreadyCommitted          409 ALREADY_COMMITTED
    ├── MediaInUse                409 MEDIA_IN_USE
    ├── UploadIncomplete          409 UPLOAD_INCOMPLETE
    ├── MediaGone                 410 MEDIA_GONE
    ├── MediaCommitFailed         422 media_commit_failed
    ├── NotConfigured             503 r2_not_configured
    └── WorkerError
        ├── WorkerRefused             the Worker's own code and status
        └── WorkerUnavailable     502 WORKER_UNAVAILABLE

A code means one cause. `envelope` turns an error into a response, in one place. What an error
says is sent to browsers, so it holds no secret; `reason` goes to the log alone.
"""

from collections.abc import Mapping, Sequence


class ShimError(Exception):
    """The root: what every refusal has.

    Args:
        message: one sentence for a person.
        reason: what the log should know beyond the message; never sent.
    """

    code: str
    status: int

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that the answer must carry beside the envelope's own."""
        return {}

    @property
    def details(self) -> Mapping[str, object]:
        """Members that the envelope has beside `error`, `code`, `status` and `requestId`."""
        return {}


class InvalidInput(ShimError):
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

    @property
    def details(self) -> Mapping[str, object]:
        return {"field": self.field}


class UnsupportedMime(InvalidField):
    code = "UNSUPPORTED_MIME"


class Unauthorized(ShimError):
    code = "UNAUTHORIZED"
    status = 401

    def __init__(self) -> None:
        super().__init__("Sign in first.")


class CsrfFailed(ShimError):
    code = "CSRF_FAILED"
    status = 403

    def __init__(self, *, reason: str) -> None:
        # Behind the dash Django repeats the Referer, and a URL can have a secret.
        reason = reason.partition(" - ")[0]
        super().__init__("The request has no valid CSRF token: reload the page.", reason=reason)


class AttachDenied(ShimError):
    """The application does not let this user attach a file there."""

    code = "FORBIDDEN"
    status = 403

    def __init__(self) -> None:
        super().__init__("attachTo is nothing that you may attach a file to.")

    @property
    def details(self) -> Mapping[str, object]:
        return {"field": "attachTo"}


class MediaNotFound(ShimError):
    """There is no such file, or it is another's: the answer is the same to the letter."""

    code = "MEDIA_NOT_FOUND"
    status = 404

    def __init__(self) -> None:
        super().__init__("There is no such file.")


class MethodNotAllowed(ShimError):
    """The resource exists and does not have this method (RFC 9110 §15.5.6)."""

    code = "METHOD_NOT_ALLOWED"
    status = 405

    def __init__(self, allow: Sequence[str]) -> None:
        self.allow = tuple(allow)
        super().__init__(f"Use {' or '.join(self.allow)}.")

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Allow": ", ".join(self.allow)}


class AlreadyCommitted(ShimError):
    """The file is attached to something, and stays there."""

    code = "ALREADY_COMMITTED"
    status = 409

    def __init__(self) -> None:
        super().__init__("This file is attached to something else already.")


class UploadIncomplete(ShimError):
    code = "UPLOAD_INCOMPLETE"
    status = 409

    def __init__(self) -> None:
        super().__init__("This file is not committed yet: upload it, then commit it.")


class MediaInUse(ShimError):
    """The file is attached, so it goes when what it is attached to lets go of it."""

    code = "MEDIA_IN_USE"
    status = 409

    def __init__(self) -> None:
        super().__init__("This file is in use: remove it where it is used.")


class MediaGone(ShimError):
    """The file was removed, or is about to be."""

    code = "MEDIA_GONE"
    status = 410

    def __init__(self) -> None:
        super().__init__("This file was deleted.")


class MediaCommitFailed(ShimError):
    """Of several files that belong together at least one cannot be used, so none is.

    The code is in small letters because clients have always known this one so.

    Args:
        failures: the files' keys, each with what is wrong with it.
    """

    code = "media_commit_failed"
    status = 422

    def __init__(self, failures: Mapping[str, ShimError]) -> None:
        super().__init__("Not every file can be used: see failed.")
        self.failures = dict(failures)

    @property
    def details(self) -> Mapping[str, object]:
        return {
            "failed": [
                {"key": key, "code": error.code, "error": error.message, **error.details}
                for key, error in self.failures.items()
            ]
        }


class NotConfigured(ShimError):
    """A setting is missing or wrong, here or in the Worker.

    The code is in small letters because clients have always known this one so.

    Args:
        setting: its name, as whoever has to set it knows it.
        why: the rest of the sentence that the name begins.
    """

    code = "r2_not_configured"
    status = 503

    def __init__(self, setting: str, why: str) -> None:
        super().__init__(f"{setting} {why}.")
        self.setting = setting

    @property
    def details(self) -> Mapping[str, object]:
        return {"setting": self.setting}


class WorkerError(ShimError):
    """The Worker did not do what it was asked."""


class WorkerRefused(WorkerError):
    """The Worker understood, and said no. What it said is passed on to the browser.

    Args:
        code: the Worker's code.
        status: the Worker's status.
        message: the Worker's sentence.
        details: the other members of its envelope that a client may read.
        retry_after: its Retry-After header.
        reason: for the log: which of the Worker's requests this was.
    """

    def __init__(
        self,
        *,
        code: str,
        status: int,
        message: str,
        details: Mapping[str, object],
        retry_after: str | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(message, reason=reason)
        self.code = code
        self.status = status
        self._details = dict(details)
        self._retry_after = retry_after

    def renaming(self, theirs: str, ours: str) -> "WorkerRefused":
        """Return the same refusal of a field that browsers know by another name."""
        field = self._details.get("field")
        return WorkerRefused(
            code=self.code,
            status=self.status,
            message=self.message.replace(theirs, ours),
            details=self._details | ({"field": ours} if field == theirs else {}),
            retry_after=self._retry_after,
            reason=self.reason,
        )

    @property
    def headers(self) -> Mapping[str, str]:
        return {} if self._retry_after is None else {"Retry-After": self._retry_after}

    @property
    def details(self) -> Mapping[str, object]:
        return self._details


class WorkerUnavailable(WorkerError):
    """The Worker did not answer, or not as the Worker does."""

    code = "WORKER_UNAVAILABLE"
    status = 502

    def __init__(self, *, reason: str) -> None:
        super().__init__("The media service did not answer. Try again.", reason=reason)
