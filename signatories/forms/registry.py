import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from signatories.authority import domain_of, is_free_mail, is_shared
from signatories.countries import countries
from signatories.folding import fold_name
from signatories.forms.fields import NAME_IN, LineField, LogoField, MailboxField, NameField, WebsiteField, say
from signatories.models import Organisation
from signatories.services.registry import Stated

LONGEST_DOMAINS = 2000
EARLIEST = date(1945, 1, 1)
NOT_A_DATE = _("Write the date as year, month and day, such as 2020-08-05.")


class DomainsField(forms.CharField):
    """Domains, parted by spaces or lines; each as it stands in an address, without what is everybody's."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def to_python(self, value: Any) -> Any:
        text = str(super().to_python(value) or "")
        found: dict[str, None] = {}
        for word in text.replace(",", " ").replace(";", " ").split():
            domain = domain_of(word)
            if not domain:
                raise ValidationError(
                    _("“%(text)s” is not a domain, such as example.org."), "domain", {"text": word[:100]}
                )
            if is_free_mail(domain) or is_shared(domain):
                message = _("Anyone can have an address or a page at %(domain)s, so it shows nothing. Leave it out.")
                raise ValidationError(message, "shared", {"domain": domain})
            found[domain] = None
        return list(found)

    def validate(self, value: Any) -> None:
        """An empty list is one, too."""

    def run_validators(self, value: Any) -> None:
        """Checked one by one."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value


class DayField(forms.DateField):
    """A day since the war, as a browser's own field writes it."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            input_formats=["%Y-%m-%d"], error_messages={"required": NOT_A_DATE, "invalid": NOT_A_DATE}, **kwargs
        )

    def to_python(self, value: Any) -> date | None:
        try:
            day = super().to_python(unicodedata.normalize("NFKC", value) if isinstance(value, str) else value)
        except (ValueError, OverflowError):
            raise ValidationError(NOT_A_DATE, code="invalid") from None
        if day and not EARLIEST <= day <= date(timezone.now().year + 50, 1, 1):
            raise ValidationError(_("Look at the year of this date."), code="year")
        return day


class RegistryForm(forms.Form):
    """A form of the desk: no browser cuts what is pasted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("maxlength", None)


class OrganisationForm(RegistryForm):
    """What the registry holds of an organisation."""

    name = NameField(
        label=_("Name of the organisation"),
        max_length=250,
        help_text=_("As it calls itself, in its own language."),
        error_messages=say(_("Enter the name of the organisation.")),
    )
    acronym = LineField(label=_("Acronym"), max_length=40, required=False, error_messages=say())
    country = forms.ChoiceField(
        label=_("Country"),
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Choose a country from the list.")),
    )
    website = WebsiteField(
        label=_("Website"),
        required=False,
        error_messages={**say(), "invalid": _("Enter a web address such as https://example.org.")},
    )
    domains = DomainsField(
        label=_("Domains"),
        required=False,
        help_text=_(
            "Of its mail, one a line, such as example.org. Whoever writes from one of them is taken to belong to it."
        ),
    )
    public_email = MailboxField(
        label=_("Public e-mail address"),
        max_length=254,
        required=False,
        help_text=_("The one that it publishes. It is told there who signs in its name, and can object."),
        error_messages={**say(), "invalid": _("Enter an e-mail address such as name@example.org.")},
    )
    member_since = DayField(label=_("Member of the coalition since"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code in other_languages():
            self.fields[f"name_{code}"] = NameField(
                label=NAME_IN[code], max_length=250, required=False, error_messages=say()
            )
            self.fields[f"name_{code}"].widget.attrs = {"lang": code}
        country = self.fields["country"]
        assert isinstance(country, forms.ChoiceField)
        country.choices = [("", _("Choose a country")), *countries(get_language() or settings.LANGUAGE_CODE)]
        self.order_fields(["name", *(f"name_{code}" for code in other_languages())])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "name" in cleaned and len(fold_name(cleaned["name"])) > 250:
            self.add_error("name", _("This name is too long."))
        return cleaned

    def stated(self) -> Stated:
        """What was entered, once the form is valid."""
        cleaned = dict(self.cleaned_data)
        names = {code: cleaned.pop(f"name_{code}") for code in other_languages()}
        return Stated(names=names, **cleaned)

    @staticmethod
    def held(organisation: Organisation) -> dict[str, Any]:
        """What the form shows of an organisation that is in the registry."""
        own = settings.MODELTRANSLATION_DEFAULT_LANGUAGE
        columns = ("acronym", "country", "website", "domains", "public_email", "member_since")
        return {
            **{column: getattr(organisation, column) for column in columns},
            "name": getattr(organisation, f"name_{own}"),
            **{f"name_{code}": getattr(organisation, f"name_{code}") or "" for code in other_languages()},
        }


class AliasForm(RegistryForm):
    """Another name."""

    name = NameField(
        label=_("Another name"),
        max_length=250,
        help_text=_("An earlier one, a short one, one in a further language. It is found by this, too."),
        error_messages=say(_("Enter a name.")),
    )
    language = forms.ChoiceField(label=_("Its language"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = self.fields["language"]
        assert isinstance(language, forms.ChoiceField)
        language.choices = [("", _("Not stated")), *settings.LANGUAGES]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if len(fold_name(name)) > 250:
            raise ValidationError(_("This name is too long."))
        return name


class LogoForm(RegistryForm):
    """A picture beside the name."""

    logo = LogoField(
        label=_("Logo"),
        help_text=_("A PNG, JPEG or WebP file of at most 1 MB. What else the file holds is thrown away."),
        error_messages=dict.fromkeys(
            ("required", "invalid", "empty", "max_length"), _("Choose a PNG, JPEG or WebP picture.")
        ),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )


class MandateForm(RegistryForm):
    """Who may sign for the organisation."""

    name = NameField(
        label=pgettext_lazy("person", "Name"), max_length=150, error_messages=say(_("Enter the name of the person."))
    )
    role = LineField(label=pgettext_lazy("signatory", "Role"), max_length=150, required=False, error_messages=say())
    email = MailboxField(
        label=_("E-mail"),
        max_length=254,
        error_messages={
            **say(_("Enter the person’s e-mail address.")),
            "invalid": _("Enter an e-mail address such as name@example.org."),
        },
    )
    since = DayField(label=_("Since"))
    until = DayField(label=_("Until"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("A mandate ends after it has begun."))
        return cleaned


def other_languages() -> Iterator[str]:
    """Languages in which an organisation may have a name of its own besides the one it goes by."""
    own = settings.MODELTRANSLATION_DEFAULT_LANGUAGE
    return (code for code, _name in settings.LANGUAGES if code != own)
