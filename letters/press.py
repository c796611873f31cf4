"""A press release as it is read: with the figures and dates of the day put in."""

from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from letters.models import PressRelease


def paragraphs(press: PressRelease, *, organisations: int, sent_at: datetime | None) -> list[str]:
    """The body in the active language. What it says of the sending waits until the letter was sent."""
    count = counted(organisations)
    return [
        _dated(text, sent_at).replace("{count_organisations}", count)
        for text in press.body.split("\n\n")
        if text.strip()
    ]


def counted(organisations: int) -> str:
    return ngettext("%(count)d organisation", "%(count)d organisations", organisations) % {"count": organisations}


def _dated(text: str, sent_at: datetime | None) -> str:
    if "{sent_date}" not in text:
        return text
    if sent_at is None:
        return gettext("The letter has not been sent yet.")
    return text.replace("{sent_date}", date_format(sent_at, "DATE_FORMAT"))
