"""A press release as it is read: with the figures and dates of the day put in."""

from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from letters.models import Letter, PressRelease


def paragraphs(press: PressRelease, *, organisations: int, sent_at: datetime | None) -> list[str]:
    """The body in the active language. What it says of the sending waits until the letter was sent."""
    count = counted(organisations)
    return [
        _dated(text, sent_at, press.letter).replace("{count_organisations}", count)
        for text in press.body.split("\n\n")
        if text.strip()
    ]


def counted(organisations: int) -> str:
    """The number and its noun on one line."""
    text = ngettext("%(count)d organisation", "%(count)d organisations", organisations) % {"count": organisations}
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _dated(text: str, sent_at: datetime | None, letter: Letter) -> str:
    if "{sent_date}" not in text:
        return text
    if sent_at is None:
        return gettext("The letter has not been sent yet.")
    date = date_format(sent_at, "DATE_FORMAT")
    if letter.is_demonstration:
        handed = gettext(
            "In this demonstration the letter was handed to a local mail server on %(date)s; it was not sent to anyone."
        )
        return handed % {"date": date}
    return text.replace("{sent_date}", date)
