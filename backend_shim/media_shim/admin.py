from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from media_shim import outbox, quarantine
from media_shim.models import MediaObject, OutboxEntry, QuarantinedFile

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
    _Form = forms.ModelForm[Any]
else:  # They are generic in their stubs alone.
    _Admin, _Form = admin.ModelAdmin, forms.ModelForm


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


class ReleaseForm(_Form):
    """Asks whose file it becomes."""

    release_to = forms.CharField(
        label="Release to",
        help_text="A user's name. They get the file: private, and attached to nothing.",
    )

    def clean_release_to(self) -> Any:
        """Return the user of this name."""
        users = get_user_model()
        try:
            return users._default_manager.get_by_natural_key(self.cleaned_data["release_to"])
        except users.DoesNotExist:
            raise forms.ValidationError("There is no such user.") from None


@admin.register(QuarantinedFile)
class QuarantinedFileAdmin(_Admin):
    """What the application does not know: saved, it is released; deleted, the outbox deletes it."""

    form = ReleaseForm
    list_display = ("key", "found", "found_at", "content_type", "bytes", "file_name")
    list_filter = ("found",)
    search_fields = ("key", "media_id", "file_name")
    date_hierarchy = "found_at"
    readonly_fields = (
        "key", "found", "found_at", "content_type", "bytes", "file_name", "worker_user", "tenant",
    )  # fmt: skip
    fields = ("release_to", *readonly_fields)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: ARG002
        quarantine.release(obj, form.cleaned_data["release_to"], timezone.now())

    def delete_model(self, request: HttpRequest, obj: Any) -> None:  # noqa: ARG002
        quarantine.discard(obj, timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:  # noqa: ARG002
        for file in queryset:
            quarantine.discard(file, timezone.now())

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponseBase:  # type: ignore[override]
        """Show the list: the file is not in it any more."""
        self.message_user(request, f"Released: {obj}")
        return HttpResponseRedirect(reverse("admin:media_shim_quarantinedfile_changelist"))
