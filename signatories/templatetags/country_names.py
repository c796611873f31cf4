from django import template
from django.conf import settings
from django.utils.translation import get_language

from signatories.countries import country_name

register = template.Library()


@register.filter
def country(code: str) -> str:
    """The name of a country in the language of the page."""
    return country_name(code, get_language() or settings.LANGUAGE_CODE)
