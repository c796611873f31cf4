"""The columns of a table of signatures, and the headings under which people's own tables have them."""

import re
from collections.abc import Iterable

from django.conf import settings

from signatories.folding import fold_name

# As headings are folded: case, punctuation and an asterisk for "required" make no other column.
HEADINGS: dict[str, tuple[str, ...]] = {
    "organisation": (
        "organisation", "organization", "organisation name", "organization name", "name of organisation",
        "name of organization", "name of the organisation", "name of the organization", "name of your organisation",
        "name of your organization", "your organisation", "your organization", "organisation s name",
        "organization s name", "organisation group", "organization group", "org", "org name", "ngo", "ngo name",
        "full name of organisation", "full name of organization", "signatory", "signatories", "signatory organisation",
        "signatory organization", "organisation en", "organization en", "organisation name in english",
        "organization name in english", "name in english",
        "арганізацыя", "назва арганізацыі", "назва вашай арганізацыі", "поўная назва арганізацыі", "падпісант",
        "падпісанты", "ваша арганізацыя",
        "организация", "название организации", "название вашей организации", "полное название организации",
        "наименование организации", "полное наименование организации", "наименование", "подписант", "подписанты",
        "ваша организация", "название нко", "название нпо",
    ),
    "organisation_be": (
        "organisation be", "organization be", "organisation in belarusian", "organization in belarusian",
        "organisation name in belarusian", "organization name in belarusian", "name in belarusian",
        "арганізацыя be", "назва на беларускай мове", "назва па беларуску", "назва арганізацыі па беларуску",
        "назва арганізацыі на беларускай мове", "организация be", "название на белорусском языке",
        "название на белорусском", "название по белорусски", "название организации на белорусском языке",
    ),
    "organisation_ru": (
        "organisation ru", "organization ru", "organisation in russian", "organization in russian",
        "organisation name in russian", "organization name in russian", "name in russian",
        "арганізацыя ru", "назва на рускай мове", "назва па руску", "назва арганізацыі на рускай мове",
        "организация ru", "название на русском языке", "название на русском", "название по русски",
        "название организации на русском языке",
    ),
    "country": (
        "country", "country or territory", "country region", "country of registration", "country of origin",
        "country of the organisation", "country of the organization", "country of organisation",
        "country of organization", "your country", "based in",
        "краіна", "краіна рэгістрацыі", "краіна арганізацыі", "ваша краіна",
        "страна", "страна регистрации", "страна организации", "ваша страна",
    ),
    "website": (
        "website", "web site", "site", "web", "url", "website url", "web page", "webpage", "homepage", "home page",
        "organisation website", "organization website", "website of the organisation", "website of the organization",
        "website of your organisation", "website of your organization", "your website",
        "сайт", "вэб сайт", "вэбсайт", "сайт арганізацыі", "адрас сайта", "спасылка на сайт",
        "веб сайт", "вебсайт", "сайт организации", "адрес сайта", "ссылка на сайт",
    ),
    "representative": (
        "representative", "name of representative", "name of the representative", "representative name",
        "representative s name", "contact", "contact name", "contact person", "name of contact person",
        "name of the contact person", "your name", "your full name", "full name", "signed by", "name of signer",
        "signer", "authorised representative", "authorized representative",
        "прадстаўнік", "прадстаўніца", "імя прадстаўніка", "імя і прозвішча", "кантактная асоба", "ваша імя",
        "ваша імя і прозвішча", "прозвішча і імя",
        "представитель", "имя представителя", "фио", "ф и о", "фио представителя", "контактное лицо", "ваше имя",
        "имя и фамилия", "ваше имя и фамилия", "фамилия и имя", "фамилия имя", "фамилия имя отчество",
    ),
    "role": (
        "role", "your role", "title", "job title", "position", "your position", "function", "role in organisation",
        "role in organization", "role in the organisation", "role in the organization",
        "your role in the organisation", "your role in the organization", "role position", "position title",
        "title position", "position in the organisation", "position in the organization",
        "роля", "пасада", "ваша пасада", "ваша роля", "роля ў арганізацыі", "пасада ў арганізацыі",
        "ваша роля ў арганізацыі", "ваша пасада ў арганізацыі",
        "роль", "должность", "ваша должность", "ваша роль", "роль в организации", "должность в организации",
        "ваша роль в организации", "ваша должность в организации",
    ),
    "email": (
        "email", "e mail", "mail", "email address", "e mail address", "your email", "your e mail",
        "your email address", "your e mail address", "contact email", "contact e mail", "email of representative",
        "электронная пошта", "адрас электроннай пошты", "ваш адрас электроннай пошты", "эл пошта", "мэйл",
        "электронная почта", "адрес электронной почты", "ваш адрес электронной почты", "эл почта", "эл адрес",
        "электронный адрес", "имейл", "емейл", "адрес эл почты", "почта",
    ),
    "visibility": (
        "visibility", "publication of the name",
        "публікацыя назвы", "публічнасць", "бачнасць",
        "публикация названия", "публичность", "видимость",
    ),
    "state": (
        "state", "status", "state of the signature", "стан", "статус", "стан подпісу", "состояние", "состояние подписи",
    ),
    "signed_at": (
        "signed at", "signed", "signed on", "date signed", "date of signature", "date", "timestamp", "time",
        "submitted at", "submitted", "submission date", "completion time",
        "падпісана", "дата падпісання", "дата", "пазнака часу", "адзнака часу", "метка часу",
        "подписано", "дата подписания", "отметка времени", "метка времени",
    ),
    "kind": ("kind", "who signs", "хто падпісвае", "кто подписывает"),
    "affiliation": (
        "affiliation", "affiliation for identification only", "месца працы", "месца працы толькі для ідэнтыфікацыі",
        "место работы", "место работы только для идентификации",
    ),
}  # fmt: skip

_BY_HEADING = {heading: column for column, headings in HEADINGS.items() for heading in headings}


# The columns for names in other languages than what an organisation calls itself.
NAMES = tuple(
    f"organisation_{code}" for code in settings.SHIPPED_LANGUAGES if code != settings.MODELTRANSLATION_DEFAULT_LANGUAGE
)
# In the order in which they are written; those of individuals are added where a letter has any.
COLUMNS = (
    "organisation", *NAMES, "country", "website", "representative", "role", "email", "visibility", "state", "signed_at"
)  # fmt: skip
OF_INDIVIDUALS = ("kind", "affiliation")


def language_of(column: str) -> str:
    """Of one of `NAMES`."""
    return column.removeprefix("organisation_")


def find(headings: Iterable[str]) -> list[str]:
    """Which column each of the headings stands for; "" where it is none of ours.

    Explanations in brackets and on further lines are no part of a heading, unless there is another one without.
    """
    listed = list(headings)
    exactly = [_column(heading) for heading in listed]
    loosely = [_column(re.sub(r"[(\[].*?[)\]]", " ", heading.strip().partition("\n")[0])) for heading in listed]
    return [exact or ("" if loose in exactly else loose) for exact, loose in zip(exactly, loosely, strict=True)]


def _column(heading: str) -> str:
    folded = fold_name(heading[:300])
    written = folded.replace(" ", "_")
    return written if written in (*COLUMNS, *OF_INDIVIDUALS) else _BY_HEADING.get(folded, "")
