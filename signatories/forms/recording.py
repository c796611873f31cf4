from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from letters.models import Letter, Version
from signatories.authority import Grade
from signatories.countries import countries
from signatories.folding import fold_name
from signatories.forms.fields import (
    NAME_IN,
    LineField,
    MailboxField,
    NameField,
    TextField,
    VersionField,
    WebsiteField,
    say,
)
from signatories.forms.registry import DayField, RegistryForm, other_languages
from signatories.models import Signature
from signatories.services import Signing
from signatories.services.recording import Shown

Via = Signature.Via


class VersionChoice(VersionField):
    """Versions as people tell them apart."""

    def label_from_instance(self, obj: Any) -> str:
        date = date_format(obj.saved_at, "DATE_FORMAT")
        return gettext("Version %(number)d, of %(date)s") % {"number": obj.number, "date": date}


class RecordForm(RegistryForm):
    """What an organisation told us outside the form, and how we know."""

    via = forms.ChoiceField(
        label=_("How the signature came"),
        choices=[(choice.value, choice.label) for choice in (Via.MAIL, Via.MESSENGER, Via.TELEPHONE)],
        widget=forms.RadioSelect,
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Say how the signature came.")),
    )
    version = VersionChoice(
        label=_("Text that they saw"),
        queryset=Version.objects.none(),
        empty_label=_("Choose a version"),
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Choose the version that they saw.")),
    )
    visibility = forms.ChoiceField(
        label=_("May the name be published? Their own choice"),
        choices=[
            (Signature.Visibility.PUBLIC, _("Yes, they want the name published")),
            (Signature.Visibility.WITHHELD, _("No, they want the name withheld for their safety")),
        ],
        widget=forms.RadioSelect,
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"),
            _("Ask the organisation, and enter what it chose. Nothing is chosen for it."),
        ),
    )
    name = NameField(
        label=_("Name of the organisation"),
        max_length=250,
        help_text=_("As it calls itself, in its own language."),
        error_messages=say(_("Enter the name of the organisation.")),
    )
    country = forms.ChoiceField(
        label=_("Country"),
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Choose a country from the list.")),
    )
    website = WebsiteField(
        label=_("Website"),
        required=False,
        error_messages={**say(), "invalid": _("Enter a web address such as https://example.org.")},
    )
    representative = NameField(
        label=_("Representative"), max_length=150, error_messages=say(_("Enter who speaks for the organisation."))
    )
    role = LineField(label=pgettext_lazy("signatory", "Role"), max_length=150, required=False, error_messages=say())
    email = MailboxField(
        label=_("E-mail"),
        max_length=254,
        required=False,
        help_text=_(
            "With an address, the signatory gets a link to see, correct and withdraw the signature. "
            "Without one, nothing is mailed."
        ),
        error_messages={**say(), "invalid": _("Enter an e-mail address such as name@example.org.")},
    )
    language = forms.ChoiceField(
        label=_("Language of the mails"),
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Choose a language.")),
    )
    known_by = forms.ChoiceField(
        label=_("How you know that they may sign"),
        choices=[
            ("call_back", _("We asked back, by a contact found elsewhere")),
            ("announcement", _("The organisation has announced it in public")),
            ("paper", _("A signed paper, kept or scanned")),
            ("mail", _("Their own mail, which we keep: it shows as much as the address that it came from")),
        ],
        widget=forms.RadioSelect,
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Say how you know that they may sign.")),
    )
    address = WebsiteField(
        label=_("Address of the announcement"),
        required=False,
        error_messages={**say(), "invalid": _("Enter a web address such as https://example.org.")},
    )
    dated = DayField(label=_("Date of the announcement"), required=False)
    note = TextField(
        label=_("Note"),
        required=False,
        rows=3,
        help_text=_("Whom you asked, by which contact, and what they said; or where the paper or the mail is kept."),
        error_messages=say(),
    )

    def __init__(self, *args: Any, letter: Letter, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code in other_languages():
            self.fields[f"name_{code}"] = NameField(
                label=NAME_IN[code], max_length=250, required=False, error_messages=say()
            )
            self.fields[f"name_{code}"].widget.attrs = {"lang": code}
        country, version, language = (self.fields[name] for name in ("country", "version", "language"))
        assert isinstance(country, forms.ChoiceField)
        assert isinstance(version, forms.ModelChoiceField)
        assert isinstance(language, forms.ChoiceField)
        country.choices = [("", _("Choose a country")), *countries(get_language() or settings.LANGUAGE_CODE)]
        version.queryset = letter.versions.order_by("-number")
        if version.queryset.count() == 1:  # of several, which one they saw is for people to say
            version.initial, version.empty_label = version.queryset.get(), None
        language.choices = [("", _("Choose a language")), *settings.LANGUAGES]
        self.order_fields(["via", "version", "visibility", "name", *(f"name_{code}" for code in other_languages())])

    def clean_dated(self) -> Any:
        dated = self.cleaned_data["dated"]
        if dated and dated > timezone.now().date():
            raise ValidationError(_("This day is still to come."), code="future")
        return dated

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "name" in cleaned and len(fold_name(cleaned["name"])) > 250:
            self.add_error("name", _("This name is too long."))
        if cleaned.get("known_by") == "announcement":
            self._require("address", _("Enter the address of the announcement."))
            self._require("dated", _("Enter the date of the announcement."))
        elif cleaned.get("known_by"):
            self._require("note", _("Write whom you asked and what they said, or where the paper or the mail is kept."))
        if cleaned.get("known_by") == "mail":
            self._require("email", _("Enter the address that the mail came from."))
            if cleaned.get("via", Via.MAIL) != Via.MAIL:
                self.add_error("known_by", _("It did not come by mail. Say how else you know that they may sign."))
        return cleaned

    def signing(self) -> Signing:
        """What the organisation states, once the form is valid."""
        stated = self.cleaned_data
        columns = ("visibility", "name", "country", "website", "representative", "role", "email", "language")
        names = {code: stated[f"name_{code}"] for code in other_languages()}
        return Signing(names=names, **{column: stated[column] for column in columns})

    def shown(self) -> Shown:
        """How staff know, once the form is valid."""
        stated = self.cleaned_data
        if stated["known_by"] == "announcement":
            return Shown(grade=Grade.ANNOUNCEMENT, address=stated["address"], dated=stated["dated"])
        graded = {"call_back": Grade.CALL_BACK, "paper": Grade.PAPER}
        return Shown(grade=graded.get(stated["known_by"], Grade.NONE), note=stated["note"])

    def _require(self, name: str, message: Any) -> None:
        if name in self.cleaned_data and not self.cleaned_data[name]:
            self.add_error(name, message)
