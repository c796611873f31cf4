from django.contrib import admin
from modeltranslation.admin import TranslationAdmin, TranslationStackedInline

from letters.models import Block, Campaign, Letter, PressRelease, Version


class BlockInline(TranslationStackedInline):
    model = Block
    extra = 0


class PressReleaseInline(TranslationStackedInline):
    model = PressRelease
    extra = 0


@admin.register(Campaign)
class CampaignAdmin(TranslationAdmin):
    list_display = ("hashtag", "country", "event_date")


@admin.register(Letter)
class LetterAdmin(TranslationAdmin):
    list_display = ("title", "status", "dated", "published_at")
    readonly_fields = ("status",)
    inlines = (BlockInline, PressReleaseInline)


@admin.register(Version)
class VersionAdmin(admin.ModelAdmin[Version]):
    list_display = ("letter", "number", "saved_at", "sha256")
    fields = readonly_fields = ("letter", "number", "saved_at", "sha256", "content")
