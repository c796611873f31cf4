"""The forms with which staff change a letter's text."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from letters.content import PARTS, Content, Place, made_of, structure, tidied, words
from letters.differences import PARTS as LABELS
from letters.models import Block, Letter

KEEP_AT_LEAST = timedelta(days=3)
BLOCKS_AT_MOST = 100
TEXT_AT_MOST = 10_000  # characters of a block
LIMITS = {field.name: field.max_length for field in Letter._meta.local_concrete_fields if field.name in PARTS}
KEY = re.compile(r"[-a-zA-Z0-9_]{1,50}")


class ProseField(forms.CharField):
    """What a letter says: on one line, or in lines of its own."""

    def __init__(self, *, is_line: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_line = is_line

    def to_python(self, value: Any) -> str:
        text = (super().to_python(value) or "").replace("\r\n", "\n").replace("\r", "\n")
        if any(unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t" for character in text):
            raise ValidationError(_("This holds characters that can’t be seen. Type it again."), code="invisible")
        return " ".join(text.split()) if self.is_line else text


class TextForm(forms.Form):
    """Every part and block of a text, in every language of the site; those of other languages than `languages` stay."""

    def __init__(
        self, data: Mapping[str, str] | None = None, *, content: Content, languages: Iterable[str], **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        self.content = content
        self.languages = list(languages)
        self.numbered = _numbered(content)
        for place, text in words(content).items():
            self.fields[field_name(place)] = self._field(place, text)

    def clean(self) -> dict[str, Any]:
        count = len(structure(self.content))
        if not count:
            self.add_error(None, _("A letter has at least one paragraph."))
        if count > BLOCKS_AT_MOST:
            text = _("A letter has at most %(most)d paragraphs and demands. Leave some out, or join them.")
            self.add_error(None, text % {"most": BLOCKS_AT_MOST})
        return self.cleaned_data

    def written(self) -> Content:
        """What was written, once the form is valid."""
        said = {place: self.cleaned_data[field_name(place)] for place in words(self.content)}
        return made_of(structure(self.content), said)

    def parts(self) -> list[dict[str, Any]]:
        """Title, subject and salutation: what each is called, with its fields by language."""
        return [self._row(part, "") for part in PARTS if part != "closing"]

    def closing(self) -> dict[str, Any]:
        return self._row("closing", "")

    def blocks(self) -> list[dict[str, Any]]:
        """Each block with its number, its kind, and its fields by language."""
        return [
            {**self._row("text", key), "key": key, "kind": kind, "number": number}
            for key, (kind, number) in self.numbered.items()
        ]

    def mistakes(self) -> list[tuple[str, str, str]]:
        """For the summary: the name of a field's element, what the field is called, and what is wrong with it."""
        found = [("main", str(_("Text")), str(error)) for error in self.non_field_errors()]
        for name in self.errors:
            if name in self.fields:
                found += [(self[name].auto_id, str(self[name].label), str(error)) for error in self.errors[name]]
        return found

    def _row(self, part: str, key: str) -> dict[str, Any]:
        fields = [(code, name, self[field_name((code, part, key))]) for code, name in settings.LANGUAGES]
        return {"label": LABELS.get(part, ""), "fields": fields}

    def _field(self, place: Place, text: str) -> ProseField:
        language, part, _key = place
        name = dict(settings.LANGUAGES)[language]
        is_line = part != "text"
        limit = LIMITS[part] if is_line else TEXT_AT_MOST
        return ProseField(
            is_line=is_line,
            label=f"{self._label(place)} ({name})",
            initial=text,
            disabled=language not in self.languages,
            max_length=limit,
            error_messages={
                "required": _("This is missing in the language: %(language)s.") % {"language": name},
                "max_length": _("Shorten this to at most %(limit_value)d characters; it has %(show_value)d."),
            },
            widget=forms.Textarea(attrs={"lang": language, "rows": _rows(text, at_least=2 if is_line else 4)}),
        )

    def _label(self, place: Place) -> str:
        _language, part, key = place
        if part != "text":
            return str(LABELS[part])
        kind, number = self.numbered[key]
        return f"{LABELS[kind]} {number}"


def _numbered(content: Content) -> dict[str, tuple[str, int]]:
    """The kind of each block, and its number among those of its kind."""
    count: Counter[str] = Counter()
    found = {}
    for key, kind in structure(content):
        count[kind] += 1
        found[key] = (kind, count[kind])
    return found


class MeaningForm(forms.Form):
    """What a new text means for those who have signed an earlier one."""

    is_material = forms.TypedChoiceField(
        label=gettext_lazy("Did the meaning change?"),
        choices=[
            (
                "no",
                gettext_lazy("No. Only wording, spelling or a translation changed, and signatures stay as they are."),
            ),
            ("yes", gettext_lazy("Yes. Whoever has signed is asked to keep or to withdraw the signature.")),
        ],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
        error_messages={
            name: gettext_lazy("Say whether the meaning changed. Nothing is chosen for you.")
            for name in ("required", "invalid_choice")
        },
    )
    keep_until = forms.DateField(
        label=gettext_lazy("Signatures can be kept until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": gettext_lazy("Enter a day such as 2020-08-31.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code, name in settings.LANGUAGES:
            self.fields[f"reason_{code}"] = ProseField(
                is_line=False,
                required=False,
                label=name,
                max_length=2000,
                error_messages={
                    "max_length": gettext_lazy(
                        "Shorten this to at most %(limit_value)d characters; it has %(show_value)d."
                    )
                },
                widget=forms.Textarea(attrs={"lang": code, "rows": 3}),
            )

    def reasons(self) -> list[forms.BoundField]:
        return [self[f"reason_{code}"] for code, _name in settings.LANGUAGES]

    def reason(self) -> dict[str, str]:
        return {code: self.cleaned_data.get(f"reason_{code}", "") for code, _name in settings.LANGUAGES}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("is_material"):
            cleaned["keep_until"] = None
            return cleaned
        for code, name in settings.LANGUAGES:
            if not cleaned.get(f"reason_{code}") and f"reason_{code}" not in self.errors:
                text = _("Say in the language %(language)s what changed, and why: signatories are told.")
                self.add_error(f"reason_{code}", text % {"language": name})
        self._check_day(cleaned.get("keep_until"))
        return cleaned

    def mistakes(self) -> list[tuple[str, str, str]]:
        """As those of `TextForm`."""
        return [
            (self._element(name), self._called(name), str(error)) for name in self.errors for error in self.errors[name]
        ]

    def _called(self, name: str) -> str:
        return str(REASON) if name.startswith("reason_") else str(self[name].label)

    def _element(self, name: str) -> str:
        return f"{self[name].auto_id}_0" if name == "is_material" else str(self[name].auto_id)

    def _check_day(self, day: date | None) -> None:
        if "keep_until" in self.errors:
            return
        first = timezone.now().date() + KEEP_AT_LEAST
        if day is None or not first <= day <= first + timedelta(days=366):
            text = _("Choose a day from %(first)s on, at most a year ahead, so that signatories have time to answer.")
            self.add_error("keep_until", text % {"first": date_format(first, "DATE_FORMAT")})


REASON = pgettext_lazy("of a new text", "What changed, and why")


def field_name(place: Place) -> str:
    language, part, key = place
    return f"text_{key}_{language}" if part == "text" else f"{part}_{language}"


def typed(data: Mapping[str, str], blocks: Iterable[str], *, current: Content, languages: Iterable[str]) -> Content:
    """The text as it was typed, before anybody looks whether it is one.

    `blocks` are "key kind", in their order. What may not be changed in `languages` alone is that of `current`.
    """
    may = set(languages)
    now = words(current)
    listed = _listed(blocks) if may == set(current) else structure(current)
    places = words(made_of(listed, {}))
    said = {place: data.get(field_name(place), "") if place[0] in may else now.get(place, "") for place in places}
    return tidied(made_of(listed, said))


def _listed(blocks: Iterable[str]) -> list[tuple[str, str]]:
    found = dict(stated.partition(" ")[::2] for stated in blocks)
    kinds = Block.Kind.values
    return [(key, kind) for key, kind in found.items() if KEY.fullmatch(key) and kind in kinds]


def _rows(text: str, *, at_least: int) -> int:
    return min(14, max(at_least, len(text) // 40 + text.count("\n") + 1))
