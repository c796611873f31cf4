import re
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from letters.models import Letter, Version
from signatories.countries import countries
from signatories.folding import fold_name
from signatories.models import Signature
from signatories.services import Signing

CONTROL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Letters and marks by their category, and yet nothing to see.
BLANKS = set("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# What a decoder leaves of bytes that are no text.
DAMAGE = "\ufffd"
# Marks above, under or around a letter, which take no place of their own in the line.
PILED = {"Mn", "Me"}
MARKS_ON_A_LETTER = 4
# Joiners belong to the spelling of these; between other letters they only make two names look like one.
JOINERS = {"\u200c", "\u200d"}
JOINED_SCRIPTS = {
    "ARABIC", "BENGALI", "DEVANAGARI", "GUJARATI", "GURMUKHI", "KANNADA", "KHMER", "MALAYALAM", "MONGOLIAN", "MYANMAR",
    "ORIYA", "SINHALA", "SYRIAC", "TAMIL", "TELUGU",
}  # fmt: skip


def clean_line(text: str) -> str:
    """`text` on one line, without the blanks around it. Raises ValidationError for what can't be seen or printed."""
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


def _messages(required: str | Promise = "") -> dict[str, Any]:
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


class VersionField(forms.ModelChoiceField):
    """The version that was read; whatever else is posted gets one and the same message."""

    def to_python(self, value: Any) -> Any:
        if "\0" in str(value):
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return super().to_python(value)


class SignForm(forms.Form):
    """What an organisation states when it co-signs. The first question is the one that may put people at risk."""

    visibility = forms.ChoiceField(
        label=_("May the name of your organisation be published?"),
        choices=[
            (Signature.Visibility.PUBLIC, _("Yes, publish the name of our organisation")),
            (Signature.Visibility.WITHHELD, _("No, withhold the name for our safety")),
        ],
        widget=forms.RadioSelect,
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"), _("Choose whether the name may be published. Nothing is chosen for you.")
        ),
    )
    name = NameField(
        label=_("Name of the organisation"),
        max_length=250,
        help_text=_("As it calls itself, in its own language. It will stand under the letter exactly like this."),
        error_messages=_messages(_("Enter the name of the organisation.")),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    country = forms.ChoiceField(
        label=_("Country"),
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Choose a country from the list.")),
        widget=forms.Select(attrs={"autocomplete": "country"}),
    )
    website = WebsiteField(
        label=_("Website"),
        required=False,
        help_text=_("Not published. It helps us to check the signature."),
        error_messages={**_messages(), "invalid": _("Enter a web address such as https://example.org.")},
        widget=forms.URLInput(attrs={"autocomplete": "url"}),
    )
    representative = NameField(
        label=pgettext_lazy("person", "Your name"),
        max_length=150,
        error_messages=_messages(_("Enter your name.")),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    role = LineField(
        label=_("Your role in the organisation"),
        max_length=150,
        error_messages=_messages(_("Enter your role in the organisation.")),
        widget=forms.TextInput(attrs={"autocomplete": "organization-title"}),
    )
    email = MailboxField(
        label=_("Your e-mail address"),
        max_length=254,
        help_text=_("We send a link to confirm to this address, best one at the organisation’s own domain."),
        error_messages={
            **_messages(_("Enter your e-mail address.")),
            "invalid": _("Enter an e-mail address such as name@example.org."),
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    consent = forms.BooleanField(
        error_messages={"required": _("Tick this to co-sign the letter as it stands.")},
    )
    authority = forms.BooleanField(
        label=_("I am authorised to sign on behalf of this organisation."),
        error_messages={"required": _("Tick this if you are authorised to sign on behalf of the organisation.")},
    )
    version = VersionField(
        queryset=Version.objects.none(),
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"), _("It was not clear which text you had read. Read it again, and sign then.")
        ),
    )

    def __init__(self, *args: Any, letter: Letter, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.latest = letter.version
        self.language = get_language() or settings.LANGUAGE_CODE
        for code in self.other_languages():
            self.fields[f"name_{code}"] = NameField(
                label=NAME_IN[code],
                max_length=250,
                required=False,
                error_messages=_messages(),
                widget=forms.TextInput(attrs={"lang": code}),
            )
        country, version = self.fields["country"], self.fields["version"]
        assert isinstance(country, forms.ChoiceField)
        assert isinstance(version, forms.ModelChoiceField)
        country.choices = [("", _("Choose a country")), *countries(self.language)]
        version.queryset = letter.versions.all()
        version.initial = self.latest.pk
        self.fields["consent"].label = gettext(
            "We have read the letter, version %(number)d, and co-sign it as it stands."
        ) % {"number": self.latest.number}
        self.order_fields(["visibility", "name", *(f"name_{code}" for code in self.other_languages())])
        for field in self.fields.values():
            field.widget.attrs.pop("maxlength", None)  # a browser would cut what is pasted without a word

    def other_languages(self) -> list[str]:
        """Languages in which an organisation may have a name of its own besides the one it goes by."""
        return [code for code, _ in settings.LANGUAGES if code != settings.MODELTRANSLATION_DEFAULT_LANGUAGE]

    def of_organisation(self) -> Iterator[forms.BoundField]:
        for name in ("name", *(f"name_{code}" for code in self.other_languages()), "country", "website"):
            yield self[name]

    def of_representative(self) -> Iterator[forms.BoundField]:
        for name in ("representative", "role", "email"):
            yield self[name]

    def clean_version(self) -> Version:
        version: Version = self.cleaned_data["version"]
        if version != self.latest:
            raise ValidationError(
                _("The text of the letter was changed while you filled in this form. Read it again before you sign."),
                code="changed",
            )
        return version

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "name" in cleaned and len(fold_name(cleaned["name"])) > 250:
            self.add_error("name", _("This name is too long."))
        return cleaned

    def signing(self) -> Signing:
        """What was stated, once the form is valid."""
        stated = self.cleaned_data
        return Signing(
            visibility=stated["visibility"],
            name=stated["name"],
            names={code: stated[f"name_{code}"] for code in self.other_languages()},
            country=stated["country"],
            website=stated["website"],
            representative=stated["representative"],
            role=stated["role"],
            email=stated["email"],
            language=self.language,
        )


NAME_IN = {
    "be": _("Name in Belarusian"),
    "ru": _("Name in Russian"),
}
