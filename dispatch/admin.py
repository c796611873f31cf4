from typing import Any, ClassVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from modeltranslation.admin import TranslationAdmin

from accounts.access import staff
from dispatch.models import Covering, Delivery, Dispatch, Edition, EditionFile, Recipient
from dispatch.services import dispatches, recipients


@admin.register(Recipient)
class RecipientAdmin(TranslationAdmin):
    list_display = ("title", "letter", "kind", "order", "language")
    list_filter = ("letter", "kind")
    formfield_overrides: ClassVar[dict[Any, Any]] = {models.URLField: {"assume_scheme": "https"}}
    readonly_fields = ("verified_on", "verified_by")  # said at the desk, by whoever made sure

    def save_model(self, request: HttpRequest, obj: Recipient, form: Any, change: bool) -> None:
        before = Recipient.objects.filter(pk=obj.pk).first()
        is_another = before is not None and (before.channel, before.address) != (obj.channel, obj.address)
        recipients.save(obj, address_changed=is_another, verified=False, by=staff(request))


@admin.register(Covering)
class CoveringAdmin(TranslationAdmin):
    list_display = ("subject", "letter")

    def save_model(self, request: HttpRequest, obj: Covering, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        dispatches.void_what_changed(Dispatch.objects.spoken_for().filter(edition__letter=obj.letter_id))


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
