from modeltranslation.translator import TranslationOptions, register

from dispatch.models import Covering, Recipient


@register(Recipient)
class RecipientTranslation(TranslationOptions):
    fields = ("title", "name", "address_block", "salutation")


@register(Covering)
class CoveringTranslation(TranslationOptions):
    fields = ("subject", "body")
