"""What a signer changes later: the same questions as in the form to sign, asked of what stands there."""

import copy
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from signatories.countries import countries
from signatories.folding import fold_name
from signatories.forms.fields import NAME_IN, LineField, MailboxField, NameField, say
from signatories.forms.signing import SignForm
from signatories.models import Signature


class LanguageField(forms.ChoiceField):
    """One of the site's languages, each in its own words or the reader's."""

    def __init__(self, **kwargs: Any) -> None:
        message = _("Choose one of the languages.")
        super().__init__(error_messages=dict.fromkeys(("required", "invalid_choice"), message), **kwargs)
        self.choices = settings.LANGUAGES


class CorrectionForm(forms.Form):
    """What is recorded of a signature, to be put right; `changes` are columns with what is to stand there."""

    def __init__(self, data: Any = None, *, signature: Signature) -> None:
        own = settings.MODELTRANSLATION_DEFAULT_LANGUAGE
        others = [code for code, _ in settings.LANGUAGES if code != own]
        columns = {"name": f"name_{own}", **{f"name_{code}": f"name_{code}" for code in others}}
        if signature.kind == Signature.Kind.INDIVIDUAL:
            columns |= {"affiliation": "affiliation", "country": "country"}
        else:
            columns |= {name: name for name in ("country", "website", "representative", "role")}
        self.columns = columns
        super().__init__(data, initial={name: getattr(signature, column) for name, column in columns.items()})
        for name in columns:
            self.fields[name] = self._field(name)
        for field in self.fields.values():
            field.widget.attrs.pop("maxlength", None)  # a browser would cut what is pasted without a word

    def _field(self, name: str) -> forms.Field:
        if name == "affiliation":
            label = Signature._meta.get_field("affiliation").verbose_name
            return LineField(label=label, max_length=250, required=False, error_messages=say())
        if name.startswith("name_"):
            code = name.removeprefix("name_")
            widget = forms.TextInput(attrs={"lang": code})
            messages = say()
            return NameField(
                label=NAME_IN[code], max_length=250, required=False, error_messages=messages, widget=widget
            )
        asked_as = "person" if name == "name" and "affiliation" in self.columns else name
        field = copy.deepcopy(SignForm.base_fields[asked_as])
        if isinstance(field, forms.ChoiceField):
            field.choices = countries(get_language() or settings.LANGUAGE_CODE)
        return field

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "name" in cleaned and len(fold_name(cleaned["name"])) > 250:
            self.add_error("name", _("This name is too long."))
        return cleaned

    def changes(self) -> dict[str, str]:
        return {column: self.cleaned_data[name] for name, column in self.columns.items()}


class HandoverForm(forms.Form):
    """Who represents the organisation from now on."""

    representative = NameField(
        label=pgettext_lazy("person", "Name of the new representative"),
        max_length=150,
        error_messages=say(_("Enter the name of the new representative.")),
    )
    role = LineField(
        label=_("Role in the organisation"),
        max_length=150,
        error_messages=say(_("Enter the role in the organisation.")),
    )
    email = MailboxField(
        label=_("E-mail address of the new representative"),
        max_length=254,
        help_text=_("We ask there whether this person takes over. Until then nothing changes."),
        error_messages={
            **say(_("Enter the e-mail address of the new representative.")),
            "invalid": _("Enter an e-mail address such as name@example.org."),
        },
    )
    language = LanguageField(label=_("Language of our mails"))

    def __init__(self, data: Any = None, *, signature: Signature) -> None:
        super().__init__(data, initial={"language": signature.language})
        for field in self.fields.values():
            field.widget.attrs.pop("maxlength", None)


class LanguageForm(forms.Form):
    language = LanguageField(label=_("Language of our mails"))


class SecretForm(forms.Form):
    secret = forms.CharField(
        label=_("Your secret"),
        max_length=200,
        error_messages={"required": _("Enter the secret that you were shown when you signed.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )


class MailboxForm(forms.Form):
    email = MailboxField(
        label=_("Your e-mail address"),
        max_length=254,
        help_text=_("The one with which you signed."),
        error_messages={
            **say(_("Enter your e-mail address.")),
            "invalid": _("Enter an e-mail address such as name@example.org."),
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code from the mail"),
        max_length=40,
        error_messages={"required": _("Enter the code from the mail.")},
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autocapitalize": "characters"}),
    )


class CoSignForm(SignForm):
    """The form to sign, for somebody whose statement is there already: what is left to say."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields = {name: self.fields[name] for name in ("consent", "authority", "version")}
