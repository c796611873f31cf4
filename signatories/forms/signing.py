from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from letters.models import Letter, Version
from signatories.countries import countries
from signatories.folding import fold_name
from signatories.forms.fields import NAME_IN, LineField, MailboxField, NameField, VersionField, WebsiteField, say
from signatories.models import Signature
from signatories.services import Signing


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
        error_messages=say(_("Enter the name of the organisation.")),
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
        error_messages={**say(), "invalid": _("Enter a web address such as https://example.org.")},
        widget=forms.URLInput(attrs={"autocomplete": "url"}),
    )
    representative = NameField(
        label=pgettext_lazy("person", "Your name"),
        max_length=150,
        error_messages=say(_("Enter your name.")),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    role = LineField(
        label=_("Your role in the organisation"),
        max_length=150,
        error_messages=say(_("Enter your role in the organisation.")),
        widget=forms.TextInput(attrs={"autocomplete": "organization-title"}),
    )
    email = MailboxField(
        label=_("Your e-mail address"),
        max_length=254,
        help_text=_("We send a link to confirm to this address, best one at the organisation’s own domain."),
        error_messages={
            **say(_("Enter your e-mail address.")),
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
                error_messages=say(),
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
