from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from dispatch.verification import checksum_in, is_in_print

NO_CHECKSUM = _("A SHA-256 has 64 characters, digits and the letters a to f. Copy it whole, and only one.")
IN_PRINT = _(
    "This SHA-256 is printed on letters: it is that of their text or of our certificate, and of no file. Compare it"
    " with the one on the edition’s page, whose address is printed beside it."
)
TOO_LARGE = _("This file is larger than %(limit)s, and so is none that can be checked here. Paste its SHA-256 instead.")


class CopyForm(forms.Form):
    """A copy to be looked at. That it is not above the limit is seen before it is read."""

    copy = forms.FileField(
        label=_("PDF file"),
        error_messages={
            **dict.fromkeys(("required", "invalid", "missing"), _("Choose the PDF file that you want to check.")),
            "empty": _("This file is empty. Choose the PDF file that you want to check."),
        },
        widget=forms.FileInput(attrs={"accept": "application/pdf,.pdf"}),
    )

    def clean_copy(self) -> bytes:
        file: UploadedFile = self.cleaned_data["copy"]
        data: bytes = file.read()
        return data


class ChecksumField(forms.CharField):
    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        if not text:
            return ""
        checksum = checksum_in(text)
        if checksum is None:
            raise ValidationError(NO_CHECKSUM, code="invalid")
        return checksum


class ChecksumForm(forms.Form):
    """The checksum of a copy that stays where it is."""

    sha256 = ChecksumField(
        label=_("SHA-256 of the file"),
        help_text=_("Blanks, capitals and “SHA-256:” in front do no harm."),
        error_messages={"required": _("Paste the SHA-256 of the file that you want to check.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )

    def clean_sha256(self) -> str:
        checksum: str = self.cleaned_data["sha256"]
        if is_in_print(checksum):
            raise ValidationError(IN_PRINT, code="in-print")
        return checksum
