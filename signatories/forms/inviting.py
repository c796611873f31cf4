from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from letters.models import Letter
from signatories.forms.fields import LineField, say
from signatories.models import Organisation
from signatories.models.organisation import OrganisationQuerySet

LONGEST_LIST = 80_000  # letters, which in any script fit what a request may hold
MANY_LINES = 1_500  # of names and addresses as long as they mostly are
TOO_LONG = _(
    "This list is too long to be read in one go: at most %(limit_value)d characters are. "
    "Invite its first part, then the rest."
)


class LinkForm(forms.Form):
    """For whom a private link is."""

    label = LineField(
        label=_("For whom the link is"),
        max_length=200,
        help_text=_("Only the desk shows this, such as “members of the coalition”."),
        error_messages=say(_("Say for whom the link is.")),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["label"].widget.attrs.pop("maxlength", None)


class ListField(forms.CharField):
    """Lines of text; whatever can't be stored is found line by line when they are read."""

    widget = forms.Textarea(attrs={"rows": 10, "spellcheck": "false"})

    def to_python(self, value: Any) -> str:
        return str(value or "").replace("\0", "\ufffd")

    def run_validators(self, value: Any) -> None:
        """Lengths are the only thing to check."""
        self.validators[:] = [check for check in self.validators if getattr(check, "code", "") == "max_length"]
        super().run_validators(value)


class InviteForm(forms.Form):
    """Whom to invite: ticked in the registry, all members in one go, and a pasted list."""

    q = forms.CharField(required=False, label=_("Search the registry"), max_length=200, strip=True)
    organisation = forms.ModelMultipleChoiceField(queryset=Organisation.objects.live(), required=False)
    members = forms.BooleanField(required=False, label=_("All members of the coalition"))
    text = ListField(
        required=False,
        label=_("A list, one organisation a line"),
        max_length=LONGEST_LIST,
        error_messages={"max_length": TOO_LONG},
    )
    language = forms.ChoiceField(
        label=_("Language where none is known"),
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Choose a language.")),
    )

    def __init__(self, *args: Any, letter: Letter, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.letter = letter
        language = self.fields["language"]
        assert isinstance(language, forms.ChoiceField)
        language.choices = settings.LANGUAGES
        language.initial = settings.LANGUAGE_CODE
        for field in self.fields.values():
            field.widget.attrs.pop("maxlength", None)

    def ticked(self) -> Iterator[Organisation]:
        """What was ticked already, to be shown again beside what the next search finds."""
        assert isinstance(self.data, QueryDict)
        pks = [pk for pk in self.data.getlist("organisation") if pk.isascii() and pk.isdigit() and len(pk) < 19]
        yield from Organisation.objects.live().filter(pk__in=pks)

    def chosen(self) -> OrganisationQuerySet:
        """The organisations of the registry that are to be invited, once the form is valid."""
        pks = {organisation.pk for organisation in self.cleaned_data["organisation"]}
        if self.cleaned_data["members"]:
            pks.update(Organisation.objects.members().values_list("pk", flat=True))
        return Organisation.objects.live().filter(pk__in=pks)
