from modeltranslation.translator import TranslationOptions, register

from signatories.models import Organisation, Signature


@register(Organisation)
class OrganisationTranslation(TranslationOptions):
    fields = ("name",)


@register(Signature)
class SignatureTranslation(TranslationOptions):
    fields = ("name",)
