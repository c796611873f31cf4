import re
import unicodedata
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from signatories.countries import countries, country_codes
from signatories.logos import clean_logo

CONTROL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Letters and marks by their category, and yet nothing to see.
BLANKS = set("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# What a decoder leaves of bytes that are no text.
DAMAGE = "\ufffd"
# Marks above, under or around a letter, which take no place of their own in the line.
PILED = {"Mn", "Me"}
MARKS_ON_A_LETTER = 4
NAME_IN = {
    "be": _("Name in Belarusian"),
    "ru": _("Name in Russian"),
}
# Nothing here is invisible, damaged or a mark, and nearly all lines are of this: they need no look at each character.
ORDINARY = re.compile("[ -;=?-~\u00a0-\u00ac\u00ae-\u024f\u0400-\u0482\u048a-\u052f\u2010-\u2027\u2116]*")
# Joiners belong to the spelling of these; between other letters they only make two names look like one.
JOINERS = {"\u200c", "\u200d"}
JOINED_SCRIPTS = {
    "ARABIC", "BENGALI", "DEVANAGARI", "GUJARATI", "GURMUKHI", "KANNADA", "KHMER", "MALAYALAM", "MONGOLIAN", "MYANMAR",
    "ORIYA", "SINHALA", "SYRIAC", "TAMIL", "TELUGU",
}  # fmt: skip


def clean_line(text: str) -> str:
    """`text` on one line, without the blanks around it. Raises ValidationError for what can't be seen or printed."""
    if ORDINARY.fullmatch(text):
        return " ".join(text.split())
    if DAMAGE in text:
        raise ValidationError(_("Some letters were damaged on the way. Type this again."), code="damaged")
    if any(_is_invisible(character, before) for before, character in zip(f" {text}", text, strict=False)):
        message = _("This holds characters that can’t be seen, or more than one line. Type it again on one line.")
        raise ValidationError(message, code="invisible")
    if _has_piled_marks(text):
        message = _("A letter here carries more marks than can be printed. Type it with at most four.")
        raise ValidationError(message, code="marks")
    if re.search(r"[<>]", text):
        raise ValidationError(_("Write this as plain text, without the signs < and >."), code="markup")
    return " ".join(text.split())


def _is_invisible(character: str, before: str) -> bool:
    if character in JOINERS:
        return unicodedata.name(before, "").partition(" ")[0] not in JOINED_SCRIPTS
    variants = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    return variants or character in BLANKS or unicodedata.category(character) in CONTROL


def _has_piled_marks(text: str) -> bool:
    """Whether marks tower over a letter. Spelling needs up to four: Hebrew with its points, Burmese with its tones."""
    pile = 0
    for category in map(unicodedata.category, text):
        pile = pile + (category in PILED) if category.startswith("M") else 0
        if pile > MARKS_ON_A_LETTER:
            return True
    return False


def say(required: str | Promise = "") -> dict[str, Any]:
    """What is said of a field: what to do, not what is wrong."""
    too_long = _("Shorten this to at most %(limit_value)d characters; it has %(show_value)d.")
    return {"max_length": too_long, **({"required": required} if required else {})}


class LineField(forms.CharField):
    """One line of text as it will be printed."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        return clean_line(text)


class NameField(LineField):
    def validate(self, value: str) -> None:
        super().validate(value)
        if value and not any(character.isalnum() for character in value):
            raise ValidationError(_("Write the name with letters or digits."), code="no_letters")


class MailboxField(forms.EmailField):
    """One address at a domain that mail can be sent to."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        if any(character in text for character in ",;\r\n\t\0"):
            raise ValidationError(_("Enter one e-mail address only."), code="several")
        if '"' in text:  # in quotes, a mailbox may hold another address
            raise ValidationError(_("Enter an e-mail address such as name@example.org."), code="invalid")
        return text

    def validate(self, value: str) -> None:
        super().validate(value)
        domain = value.rpartition("@")[2]
        if value and not value.isascii():
            raise ValidationError(_("Enter the e-mail address in Latin letters."), code="script")
        if "@" in value and ("." not in domain or domain.startswith("[")):
            raise ValidationError(_("Enter an e-mail address with a full domain, such as name@example.org."))


class WebsiteField(forms.URLField):
    """An address of the web; "example.org" alone is read as https."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(assume_scheme="https", max_length=300, **kwargs)

    def to_python(self, value: Any) -> str:
        return clean_line(super().to_python(value) or "")

    def validate(self, value: str) -> None:
        super().validate(value)
        if value and not value.lower().startswith(("https://", "http://")):
            raise ValidationError(_("Enter an address that begins with https:// or http://."), code="scheme")
        try:
            address = urlsplit(value)
        except ValueError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None
        if "@" in address.netloc:  # "https://known.org@unknown.org" leads to the second
            message = _("Leave out the sign @ and what stands before it, as in https://example.org.")
            raise ValidationError(message, code="user")
        if value and not _has_possible_port(address):
            raise ValidationError(_("There is no such port. Enter the address without it."), code="port")


def _has_possible_port(address: SplitResult) -> bool:
    try:
        return address.port != 0
    except ValueError:
        return False


class CountryField(forms.ChoiceField):
    """A country, from the list in the reader's language; the list is made when it is shown or looked into."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=_countries, **kwargs)

    def valid_value(self, value: Any) -> bool:
        return value in country_codes()


def _countries() -> list[tuple[str, str | Promise]]:
    return [("", _("Choose a country")), *countries(get_language() or settings.LANGUAGE_CODE)]


class LogoField(forms.FileField):
    """A picture of which a small PNG without metadata is made; nothing else of the file is kept."""

    def clean(self, data: Any, initial: Any = None) -> bytes:
        file = super().clean(data, initial)
        return clean_logo(file, file.size) if file else b""


class VersionField(forms.ModelChoiceField):
    """The version that was read; whatever else is posted gets one and the same message."""

    def to_python(self, value: Any) -> Any:
        if "\0" in str(value):
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return super().to_python(value)


class TextField(forms.CharField):
    """Several lines for people to read. Invisible characters are left out: they come with what is pasted."""

    def __init__(self, *, rows: int = 4, max_length: int = 5000, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, widget=forms.Textarea(attrs={"rows": rows}), **kwargs)
        self.widget.attrs.pop("maxlength", None)  # a browser would cut what is pasted without a word

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        if DAMAGE in text:
            raise ValidationError(_("Some letters were damaged on the way. Type this again."), code="damaged")
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return "\n".join(_visible(line).rstrip() for line in lines).strip()


def _visible(line: str) -> str:
    pairs = zip(f" {line}", line.replace("\t", " "), strict=False)
    return "".join(character for before, character in pairs if not _is_invisible(character, before))
