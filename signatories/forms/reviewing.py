"""What staff write beside a signature, and what a signer answers."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Role, User
from signatories.authority import Grade
from signatories.folding import fold_name
from signatories.forms.fields import NAME_IN, NameField, TextField, WebsiteField, say
from signatories.models import Signature


class QuestionForm(forms.Form):
    text = TextField(label=_("Question"), error_messages=say(_("Write the question.")))


class AnswerForm(forms.Form):
    text = TextField(label=_("Your answer"), rows=8, error_messages=say(_("Write your answer.")))


class NoteForm(forms.Form):
    text = TextField(label=_("Note"), rows=3, error_messages=say(_("Write the note.")))


class KeptForm(forms.Form):
    """How a signer told us, other than by the button, that the signature holds for the new text."""

    text = TextField(
        label=_("Who said so, how and when"),
        rows=3,
        error_messages=say(_("Write who said so, how and when.")),
    )


class AssignForm(forms.Form):
    """Whose a signature is: nobody's where nothing is chosen."""

    to = forms.ModelChoiceField(
        User.objects.none(), label=_("Assigned to"), required=False, empty_label=pgettext_lazy("assigned to", "Nobody")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["to"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = User.objects.holding(Role.Name.REVIEWER, Role.Name.CAMPAIGNER)


class SpellingForm(forms.Form):
    """The names of a signature, as they are spelt: the one it goes by, and those in further languages."""

    def __init__(self, data: Any = None, *, signature: Signature) -> None:
        super().__init__(data)
        self.signature = signature
        own = settings.MODELTRANSLATION_DEFAULT_LANGUAGE
        for code in (own, *(code for code, _name in settings.LANGUAGES if code != own)):
            self.fields[f"name_{code}"] = NameField(
                label=_("Name of the organisation") if code == own else NAME_IN[code],
                max_length=250,
                required=code == own,
                initial=getattr(signature, f"name_{code}"),
                error_messages=say(_("Enter the name of the organisation.")),
                widget=forms.TextInput(attrs={} if code == own else {"lang": code}),
            )
            self.fields[f"name_{code}"].widget.attrs.pop("maxlength", None)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        own = f"name_{settings.MODELTRANSLATION_DEFAULT_LANGUAGE}"
        if own in cleaned and len(fold_name(cleaned[own])) > 250:
            self.add_error(own, _("This name is too long."))
        return cleaned

    def changes(self) -> dict[str, str]:
        """By column, of those that say something else now."""
        stated = self.cleaned_data.items()
        return {column: name for column, name in stated if name != (getattr(self.signature, column) or "")}


class AnnouncementForm(forms.Form):
    """Where and when an organisation said in public that it co-signs."""

    grade = Grade.ANNOUNCEMENT
    address = WebsiteField(
        label=_("Address of the announcement"),
        error_messages={
            **say(_("Enter the address of the announcement.")),
            "invalid": _("Enter a web address such as https://example.org."),
        },
    )
    dated = forms.DateField(
        label=_("Date of the announcement"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages=dict.fromkeys(("required", "invalid"), _("Enter the date of the announcement.")),
    )

    def clean_dated(self) -> Any:
        dated = self.cleaned_data["dated"]
        if dated > datetime.now(UTC).date():
            raise ValidationError(_("This day is still to come."), code="future")
        return dated


class PaperForm(forms.Form):
    """Where a signed paper is kept."""

    grade = Grade.PAPER
    note = TextField(
        label=_("Where the paper is kept, and what shows that it is the organisation’s"),
        rows=3,
        error_messages=say(_("Write where the paper is kept.")),
    )


class CallBackForm(forms.Form):
    """Whom staff asked, by which contact found elsewhere, and what was said."""

    grade = Grade.CALL_BACK
    note = TextField(
        label=_("Whom you asked, by which contact found elsewhere, and what they said"),
        rows=3,
        error_messages=say(_("Write whom you asked and what they said.")),
    )
