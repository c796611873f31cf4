from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from modeltranslation.admin import TranslationAdmin

from signatories.models import Organisation, Signature


@admin.register(Organisation)
class OrganisationAdmin(TranslationAdmin):
    list_display = ("name", "country", "website")
    search_fields = ("folded_name",)
    list_filter = ("country",)


@admin.register(Signature)
class SignatureAdmin(admin.ModelAdmin[Signature]):
    """To look at. Staff decide on signatures at the desk, where every move is recorded."""

    list_display = ("name", "letter", "status", "visibility", "confirmed_at", "decided_by")
    list_filter = ("letter", "status", "visibility")
    list_select_related = ("letter", "decided_by")
    search_fields = ("folded_name",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
