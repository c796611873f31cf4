"""What people type, checked: `fields` of one line each, and the forms made of them."""

from signatories.forms.signing import SignForm

__all__ = ["SignForm"]
