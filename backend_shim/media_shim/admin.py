from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from media_shim import outbox
from media_shim.models import MediaObject, OutboxEntry

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:  # It is generic in its stubs alone.
    _Admin = admin.ModelAdmin


class ReadOnly(_Admin):
    """Shows what there is. It changes nothing: our rows and the Worker's must tell one story."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False


@admin.register(MediaObject)
class MediaObjectAdmin(ReadOnly):
    list_display = ("id", "owner", "kind", "bytes", "visibility", "status", "attached_to")
    list_filter = ("status", "kind", "visibility", "removal_reason")
    list_select_related = ("owner",)
    search_fields = ("id", "key", "file_name", "attached_to")
    date_hierarchy = "created_at"


@admin.register(OutboxEntry)
class OutboxEntryAdmin(ReadOnly):
    """What the Worker has still to hear. What is dead can be tried again."""

    list_display = ("id", "media", "action", "state", "attempts", "last_error", "due_at")
    list_filter = ("state", "action")
    list_select_related = ("media",)
    search_fields = ("media__id", "media__key")
    actions = ("try_again",)

    @admin.action(description="Try dead entries again", permissions=["retry"])
    def try_again(self, request: HttpRequest, entries: "QuerySet[OutboxEntry]") -> None:
        revived = outbox.revive(entries, timezone.now())
        self.message_user(request, f"{revived} dead entries are tried again.")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Whoever may change entries may have them tried again."""
        return request.user.has_perm("media_shim.change_outboxentry")
