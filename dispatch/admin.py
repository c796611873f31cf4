from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from modeltranslation.admin import TranslationAdmin

from dispatch.models import Covering, Delivery, Dispatch, Edition, EditionFile, Recipient


@admin.register(Recipient)
class RecipientAdmin(TranslationAdmin):
    list_display = ("title", "letter", "kind", "order", "language")
    list_filter = ("letter", "kind")


@admin.register(Covering)
class CoveringAdmin(TranslationAdmin):
    list_display = ("subject", "letter")


class ToLookAt:
    """What is frozen, sealed or sent is changed by nobody; what moves, moves at the desk."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class EditionFileInline(ToLookAt, admin.TabularInline[EditionFile, Edition]):
    model = EditionFile


@admin.register(Edition)
class EditionAdmin(ToLookAt, admin.ModelAdmin[Edition]):
    list_display = ("reference", "letter", "number", "status", "cut_at", "sha256")
    list_filter = ("letter", "status")
    exclude = ("signatures",)
    inlines = (EditionFileInline,)


@admin.register(Dispatch)
class DispatchAdmin(ToLookAt, admin.ModelAdmin[Dispatch]):
    list_display = ("edition", "status", "prepared_by", "authorised_by", "authorised_at")
    list_filter = ("status",)
    list_select_related = ("edition", "prepared_by", "authorised_by")


@admin.register(Delivery)
class DeliveryAdmin(ToLookAt, admin.ModelAdmin[Delivery]):
    list_display = ("message_id", "edition", "language", "status", "attempts", "code", "settled_at")
    list_filter = ("status", "language")
    list_select_related = ("edition",)
