from django.contrib import admin

from mailing.models import Mail


@admin.register(Mail)
class MailAdmin(admin.ModelAdmin[Mail]):
    """What waits and what failed; never the text, which may hold a link that signs."""

    list_display = ("key", "status", "attempts", "not_before")
    list_filter = ("status",)
    fields = readonly_fields = ("key", "language", "status", "attempts", "created_at", "not_before", "sent_at")
