from modeltranslation.translator import TranslationOptions, register

from letters.models import Block, Campaign, Letter, PressRelease, Version


@register(Campaign)
class CampaignTranslation(TranslationOptions):
    fields = ("event",)


@register(Letter)
class LetterTranslation(TranslationOptions):
    fields = ("title", "subject", "salutation", "closing", "contact_name", "contact_address")


@register(Block)
class BlockTranslation(TranslationOptions):
    fields = ("text",)


@register(PressRelease)
class PressReleaseTranslation(TranslationOptions):
    fields = ("headline", "standfirst", "body", "quote", "demands_lead", "notes")


@register(Version)
class VersionTranslation(TranslationOptions):
    fields = ("reason",)
