import re
import unicodedata
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from letters.models import Letter, Version
from signatories.countries import countries
from signatories.folding import fold_name
from signatories.models import Signature
from signatories.services import Signing

CONTROL = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
# Joiners that some scripts are written with; every other invisible character only makes two names look like one.
JOINERS = {"\u200c", "\u200d"}


def clean_line(text: str) -> str:
    """`text` on one line, without the blanks around it. Raises ValidationError for what can't be seen or printed."""
    for character in text:
        category = unicodedata.category(character)
        if category in CONTROL or (category == "Cf" and character not in JOINERS) or character == "\u115f":
            raise ValidationError(_("Remove the invisible characters, and write this on one line."), code="invisible")
    if re.search(r"[<>]", text):
        raise ValidationError(_("Write this as plain text, without the signs < and >."), code="markup")
    return " ".join(text.split())


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
        text = super().to_python(value)
        if any(character in text for character in ",;\r\n\t\0"):
            raise ValidationError(_("Enter one e-mail address only."), code="several")
        return text

    def validate(self, value: str) -> None:
        super().validate(value)
        domain = value.rpartition("@")[2]
        if value and ("." not in domain or domain.startswith("[")):
            raise ValidationError(_("Enter an e-mail address with a full domain, such as name@example.org."))
        if value and not value.isascii():
            raise ValidationError(_("Enter the e-mail address in Latin letters."), code="script")


class WebsiteField(forms.URLField):
    """An address of the web; "example.org" alone is read as https."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(assume_scheme="https", max_length=300, **kwargs)

    def validate(self, value: str) -> None:
        super().validate(value)
        if value and not value.lower().startswith(("https://", "http://")):
            raise ValidationError(_("Enter an address that begins with https:// or http://."), code="scheme")


class SignForm(forms.Form):
    """What an organisation states when it co-signs. The first question is the one that may put people at risk."""

    visibility = forms.ChoiceField(
        label=_("May the name of your organisation be published?"),
        choices=[
            (Signature.Visibility.PUBLIC, _("Yes, publish the name of our organisation")),
            (Signature.Visibility.WITHHELD, _("No, withhold the name for our safety")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose whether the name may be published. Nothing is chosen for you.")},
    )
    name = NameField(
        label=_("Name of the organisation"),
        max_length=250,
        help_text=_("As it calls itself. It will stand under the letter exactly like this."),
    )
    country = forms.ChoiceField(label=_("Country"))
    website = WebsiteField(label=_("Website"), required=False)
    representative = NameField(label=pgettext_lazy("person", "Your name"), max_length=150)
    role = LineField(label=_("Your role in the organisation"), max_length=150)
    email = MailboxField(
        label=_("Your e-mail address"),
        max_length=254,
        help_text=_("We send a link to confirm to this address."),
    )
    consent = forms.BooleanField(
        label=_("We have read the letter and co-sign it as it stands."),
        error_messages={"required": _("Tick this to co-sign the letter as it stands.")},
    )
    authority = forms.BooleanField(
        label=_("I am authorised to sign on behalf of this organisation."),
        error_messages={"required": _("Tick this if you are authorised to sign on behalf of the organisation.")},
    )
    version = forms.ModelChoiceField(queryset=Version.objects.none(), widget=forms.HiddenInput)

    def __init__(self, *args: Any, letter: Letter, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.letter = letter
        self.language = get_language() or settings.LANGUAGE_CODE
        country = self.fields["country"]
        assert isinstance(country, forms.ChoiceField)
        country.choices = [("", _("Choose a country")), *countries(self.language)]
        version = self.fields["version"]
        assert isinstance(version, forms.ModelChoiceField)
        version.queryset = letter.versions.all()
        version.initial = letter.version.pk
        for language in self.other_languages():
            self.fields[f"name_{language}"] = NameField(
                label=NAME_IN[language], max_length=250, required=False, widget=forms.TextInput(attrs={"lang": language})
            )
        self.order_fields(["visibility", "name", *(f"name_{code}" for code in self.other_languages())])

    def other_languages(self) -> list[str]:
        """Languages in which an organisation may have a name of its own besides the one it goes by."""
        return [code for code, _ in settings.LANGUAGES if code != settings.MODELTRANSLATION_DEFAULT_LANGUAGE]

    def clean_version(self) -> Version:
        version: Version = self.cleaned_data["version"]
        if version != self.letter.version:
            self.data = self.data.copy()
            self.data[self.add_prefix("version")] = str(self.letter.version.pk)
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
    "be": _("Name in Belarusian, if it has one"),
    "ru": _("Name in Russian, if it has one"),
}


class RejectForm(forms.Form):
    reason = forms.ChoiceField(label=_("Reason"), choices=Signature.Reason.choices)
