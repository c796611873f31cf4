import secrets
from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from letters.differences import Difference, differences
from letters.models import Version
from signatories.folding import fold_name
from signatories.forms.fields import (
    NAME_IN,
    CountryField,
    LineField,
    LogoField,
    MailboxField,
    NameField,
    WebsiteField,
    say,
)
from signatories.models import Signature
from signatories.services import Signing, guard

OF_ORGANISATION = ("name", "website", "logo", "representative", "role", "authority")
OF_INDIVIDUAL = ("person", "affiliation")
UNCLEAR_VERSION = _("It was not clear which text you had read. Read it again, and sign then.")


class SignForm(forms.Form):
    """What an organisation states when it co-signs. The first question is the one that may put people at risk.

    Where individuals may sign, too, the form asks who signs, and takes what it asks of the other kind as not written.
    """

    kind = forms.ChoiceField(
        label=_("Who signs?"),
        choices=[
            (Signature.Kind.ORGANISATION, _("An organisation")),
            (Signature.Kind.INDIVIDUAL, _("I, as an individual")),
        ],
        widget=forms.RadioSelect,
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"), _("Choose whether you sign for an organisation or as an individual.")
        ),
    )
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
    country = CountryField(
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
    logo = LogoField(
        label=_("Logo"),
        required=False,
        help_text=_(
            "A PNG, JPEG or WebP file of at most 1 MB, for the head of the letter on paper if your "
            "organisation leads it; it is not shown elsewhere. What else the file holds is thrown away, "
            "and so is the logo where the name is withheld."
        ),
        error_messages=dict.fromkeys(
            ("invalid", "empty", "max_length"),
            _("This file can’t be read as a PNG, JPEG or WebP picture. Choose another one."),
        ),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
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
    person = NameField(
        label=pgettext_lazy("person", "Your name"),
        max_length=250,
        help_text=_("It will stand under the letter exactly like this, unless it is withheld."),
        error_messages=say(_("Enter your name.")),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    affiliation = LineField(
        label=_("Affiliation"),
        max_length=250,
        required=False,
        help_text=_("Where you work or study, for identification only: you sign, it does not."),
        error_messages=say(),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
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
    version = forms.CharField(
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(("required", "null_characters_not_allowed"), UNCLEAR_VERSION),
    )
    # Of what the secret of a withheld signature is made: a form that is sent twice shows the same one twice.
    seed = forms.Field(required=False, widget=forms.HiddenInput)
    # Of work done by the browser, where the form is guarded.
    proof = forms.Field(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, latest: Version, is_guarded: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.letter = latest.letter
        self.is_guarded = is_guarded
        self.latest = latest
        self.read: Version | None = None
        self.language = get_language() or settings.LANGUAGE_CODE
        for code in self.other_languages():
            self.fields[f"name_{code}"] = NameField(
                label=NAME_IN[code],
                max_length=250,
                required=False,
                error_messages=say(),
                widget=forms.TextInput(attrs={"lang": code}),
            )
        self.fields["version"].initial = self.latest.pk
        self.fields["seed"].initial = secrets.token_urlsafe(32)
        self._ask_who_signs(self.letter.accepts_individuals)
        self.order_fields(["kind", "visibility", "name", *(f"name_{code}" for code in self.other_languages())])
        for field in self.fields.values():
            field.widget.attrs.pop("maxlength", None)  # a browser would cut what is pasted without a word

    def _ask_who_signs(self, accepts_individuals: bool) -> None:
        number = {"number": self.latest.number}
        if accepts_individuals:
            consent = gettext("I have read the letter, version %(number)d, and sign it as it stands.")
            visibility = self.fields["visibility"]
            assert isinstance(visibility, forms.ChoiceField)
            visibility.label = _("May the name be published?")
            visibility.choices = [
                (Signature.Visibility.PUBLIC, _("Yes, publish the name")),
                (Signature.Visibility.WITHHELD, _("No, withhold the name for safety")),
            ]
            self.fields["country"].help_text = _("That of the organisation; as an individual, the one you live in.")
            self.fields["email"].help_text = _(
                "We send a link to confirm to this address. For an organisation, best one at its own domain."
            )
        else:
            consent = gettext("We have read the letter, version %(number)d, and co-sign it as it stands.")
            for name in ("kind", *OF_INDIVIDUAL):
                del self.fields[name]
        self.fields["consent"].label = consent % number

    def other_languages(self) -> list[str]:
        """Languages in which an organisation may have a name of its own besides the one it goes by."""
        return [code for code, _ in settings.LANGUAGES if code != settings.MODELTRANSLATION_DEFAULT_LANGUAGE]

    def of_organisation(self) -> Iterator[forms.BoundField]:
        country = () if self.letter.accepts_individuals else ("country",)
        return self._bound("name", *(f"name_{code}" for code in self.other_languages()), *country, "website", "logo")

    def of_representative(self) -> Iterator[forms.BoundField]:
        email = () if self.letter.accepts_individuals else ("email",)
        return self._bound("representative", "role", *email)

    def of_individual(self) -> Iterator[forms.BoundField]:
        return self._bound(*OF_INDIVIDUAL)

    def of_both(self) -> Iterator[forms.BoundField]:
        return self._bound("country", "email")

    def _bound(self, *names: str) -> Iterator[forms.BoundField]:
        return (self[name] for name in names)

    def clean_version(self) -> Version:
        """The version that was read. Whatever else is posted gets one and the same message."""
        stated = self.cleaned_data["version"]
        if stated == str(self.latest.pk):
            return self.latest
        is_number = stated.isascii() and stated.isdigit() and len(stated) < 19
        self.read = self.letter.versions.filter(pk=int(stated)).first() if is_number else None
        if self.read is None:
            raise ValidationError(UNCLEAR_VERSION, code="invalid")
        raise ValidationError(
            _("The text of the letter was changed after you opened this form. Read what changed before you sign."),
            code="changed",
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self._leave_out_what_is_not_asked(cleaned)
        for name in ("name", "person"):
            if len(fold_name(cleaned.get(name, ""))) > 250:
                self.add_error(name, _("This name is too long."))
        if self.read:
            self._ask_consent_anew()
        if self.errors:
            self._ask_for_logo_again()
        cleaned["proof"] = self._spendable(cleaned.get("proof") or "") if self.is_guarded and not self.errors else ""
        return cleaned

    def refuse_proof(self) -> None:
        self._ask_for_logo_again()
        self.add_error(
            "proof",
            ValidationError(_("Your browser’s work for this form was missing, too old or used. Send the form again.")),
        )

    def signing(self) -> Signing:
        """What was stated, once the form is valid."""
        stated = self.cleaned_data
        common = {field: stated[field] for field in ("visibility", "country", "email")}
        if self.signed_as == Signature.Kind.INDIVIDUAL:
            return Signing(
                kind=self.signed_as,
                name=stated["person"],
                affiliation=stated["affiliation"],
                language=self.language,
                **common,
            )
        return Signing(
            names={code: stated[f"name_{code}"] for code in self.other_languages()},
            language=self.language,
            **common,
            **{field: stated[field] for field in ("name", "website", "representative", "role")},
        )

    @cached_property
    def changes(self) -> list[Difference]:
        """What changed in the letter since the form was opened, in its language."""
        before = self.read.content.get(self.language, {}) if self.read else None
        return [] if before is None else differences(before, self.latest.text(self.language))

    @property
    def signed_as(self) -> str:
        """Who signs: where nobody is asked, an organisation."""
        kind: str = self.cleaned_data.get("kind", "") if "kind" in self.fields else Signature.Kind.ORGANISATION
        return kind

    @property
    def is_withheld(self) -> bool:
        return self.cleaned_data.get("visibility") == Signature.Visibility.WITHHELD

    @property
    def picture(self) -> bytes:
        """The picture that goes with the name; none where the name is withheld, or is a person's."""
        found: bytes = self.cleaned_data.get("logo", b"")
        return found

    def _leave_out_what_is_not_asked(self, cleaned: dict[str, Any]) -> None:
        """What was written where it did not concern whoever signs is not looked at."""
        of_organisation = (*OF_ORGANISATION, *(f"name_{code}" for code in self.other_languages()))
        unasked = {
            Signature.Kind.ORGANISATION.value: OF_INDIVIDUAL,
            Signature.Kind.INDIVIDUAL.value: of_organisation,
        }.get(self.signed_as, (*of_organisation, *OF_INDIVIDUAL))  # until we know who signs
        for name in (*unasked, *(("logo",) if self.is_withheld else ())):
            cleaned.pop(name, None)
            self.errors.pop(name, None)

    def _ask_for_logo_again(self) -> None:
        if self.cleaned_data.get("logo"):
            self.add_error("logo", _("Choose the file again: your browser does not keep it for you."))

    def _spendable(self, proof: str) -> str:
        try:
            return guard.check(self.letter, proof)
        except guard.Unproven:
            self.refuse_proof()
            return ""

    def _ask_consent_anew(self) -> None:
        """The tick was for another text."""
        self.data = {name: value for name, value in self.data.items() if name != "consent"}
