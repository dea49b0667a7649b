from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator

from media_shim import outbox, quarantine
from media_shim.models import Found, MediaObject, OutboxEntry, QuarantinedFile

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
    _Form = forms.ModelForm[Any]
else:  # They are generic in their stubs alone.
    _Admin, _Form = admin.ModelAdmin, forms.ModelForm


WIDEST_NAME: Final = 24
"""In characters: a list of files has other columns, too."""


def _short(name: str) -> str:
    return Truncator(name).chars(WIDEST_NAME)


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
    list_display = ("file", "owner", "size", "status", "visibility", "attached_to", "created_at")
    list_filter = ("status", "kind", "visibility", "removal_reason")
    list_select_related = ("owner",)
    ordering = ("-created_at",)
    search_fields = (
        "id", "key", "file_name", "attached_to",
        f"owner__{get_user_model().USERNAME_FIELD}",
    )  # fmt: skip
    search_help_text = "A media id, a key, a file's name, what it is attached to, or a user's name."
    date_hierarchy = "created_at"
    fieldsets = (
        (None, {"fields": ("file_name", "content_type", "size", "owner", "attached_to")}),
        ("Who may see it", {"fields": ("visibility", "delivered_visibility")}),
        (
            "Its life",
            {"fields": ("status", "created_at", "committed_at", "removal_reason", "removed_at")},
        ),
        ("In the Worker", {"fields": ("id", "key", "worker_user", "tenant", "revision")}),
    )

    @admin.display(description="file", ordering="file_name")
    def file(self, media: MediaObject) -> str:
        return _short(media.file_name)

    @admin.display(description="size", ordering="bytes")
    def size(self, media: MediaObject) -> str:
        return filesizeformat(media.bytes)


@admin.register(OutboxEntry)
class OutboxEntryAdmin(ReadOnly):
    """What the Worker has still to hear, the dead first. What is dead can be tried again."""

    list_display = ("change", "file", "how", "attempts", "last_error", "due_at")
    list_filter = ("state", "action")
    list_select_related = ("media",)
    ordering = ("state", "due_at")
    search_fields = ("media__id", "media__key", "media__file_name")
    search_help_text = "A media id, a key, or a file's name."
    actions = ("try_again",)

    @admin.display(description="change", ordering="action")
    def change(self, entry: OutboxEntry) -> str:
        return f"make it {entry.visibility}" if entry.visibility else entry.action

    @admin.display(description="file", ordering="media__file_name")
    def file(self, entry: OutboxEntry) -> str:
        return _short(entry.media.file_name)

    @admin.display(description="state", ordering="state")
    def how(self, entry: OutboxEntry) -> str:
        return entry.state

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
        help_text="A user's name. They get the file: private, and attached to nothing. If it is "
        "nobody's, delete it: its bytes go, too.",
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
    list_display = ("file", "worker_user", "tenant", "size", "how", "found_at")
    list_filter = ("found",)
    search_fields = ("key", "media_id", "file_name", "worker_user", "tenant")
    search_help_text = "A key, a media id, a file's name, or whose it was in the Worker."
    date_hierarchy = "found_at"
    readonly_fields = (
        "file_name", "content_type", "size", "key", "worker_user", "tenant", "found", "found_at",
    )  # fmt: skip
    fields = ("release_to", *readonly_fields)

    @admin.display(description="file", ordering="file_name")
    def file(self, file: QuarantinedFile) -> str:
        return _short(file.file_name)

    @admin.display(description="size", ordering="bytes")
    def size(self, file: QuarantinedFile) -> str:
        return filesizeformat(file.bytes)

    @admin.display(description="found in", ordering="found")
    def how(self, file: QuarantinedFile) -> str:
        return {Found.ROW: "the Worker", Found.OBJECT: "the store"}[Found(file.found)]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Say what saving does. There is nothing to go on editing: the file leaves the list."""
        said = {
            "title": "Release a quarantined file",
            "subtitle": None,  # It would be the key, which no phone is wide enough for.
            "show_save_and_continue": False,
        }
        return super().changeform_view(request, object_id, form_url, said | (extra_context or {}))

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
