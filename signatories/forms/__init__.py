"""What people type, checked: `fields` of one line each, and the forms made of them."""

from signatories.forms.reviewing import (
    AnnouncementForm,
    AnswerForm,
    AssignForm,
    CallBackForm,
    KeptForm,
    NoteForm,
    PaperForm,
    QuestionForm,
    SpellingForm,
)
from signatories.forms.signing import SignForm

__all__ = [
    "AnnouncementForm",
    "AnswerForm",
    "AssignForm",
    "CallBackForm",
    "KeptForm",
    "NoteForm",
    "PaperForm",
    "QuestionForm",
    "SignForm",
    "SpellingForm",
]
