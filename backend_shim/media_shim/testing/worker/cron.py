"""What the Worker does by itself as time goes by."""

from datetime import timedelta
from typing import Final

from media_shim.testing.worker.state import LATE_PUT, Stores

PENDING_LIFE: Final = timedelta(days=1)
GONE_LIFE: Final = timedelta(days=90)

_OVER: Final = ("rejected", "expired", "deleting")


def run(stores: Stores) -> None:
    """Give up what nobody completed, clear away what is over, forget what is long gone."""
    now = stores.now()
    for file in [*stores.files.values()]:
        if file.status == "pending_upload" and file.created_at < now - PENDING_LIFE:
            file.status, file.updated_at = "expired", now
        if file.status in _OVER and file.url_expires_at < now - LATE_PUT:
            stores.objects.pop(file.key, None)
            file.status, file.updated_at = "gone", now
        elif file.status == "gone" and file.updated_at < now - GONE_LIFE:
            del stores.files[file.media_id]
