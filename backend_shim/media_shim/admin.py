from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest

from media_shim.models import MediaObject

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[MediaObject]
else:  # It is generic in its stubs alone.
    Admin = admin.ModelAdmin


@admin.register(MediaObject)
class MediaObjectAdmin(Admin):
    """Shows what there is. It changes nothing: a row and the Worker's file must tell one story."""

    list_display = ("id", "owner", "kind", "bytes", "visibility", "status", "attached_to")
    list_filter = ("status", "kind", "visibility")
    list_select_related = ("owner",)
    search_fields = ("id", "key", "file_name", "attached_to")
    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: MediaObject | None = None,  # noqa: ARG002
    ) -> bool:
        return False

    def has_delete_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: MediaObject | None = None,  # noqa: ARG002
    ) -> bool:
        return False
