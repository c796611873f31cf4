from modeltranslation.translator import TranslationOptions, register

from dispatch.models import Covering, Recipient, Reply


@register(Recipient)
class RecipientTranslation(TranslationOptions):
    fields = ("title", "name", "address_block", "salutation", "term_source")


@register(Covering)
class CoveringTranslation(TranslationOptions):
    fields = ("subject", "body")


@register(Reply)
class ReplyTranslation(TranslationOptions):
    fields = ("summary",)
