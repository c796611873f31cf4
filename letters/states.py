from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from ledger.states import StateMachine


class LetterStatus(TextChoices):
    DRAFT = "draft", _("Draft")
    OPEN = "open", _("Open for signing")
    CLOSED = "closed", _("Closed for signing")


LETTER = StateMachine(
    "letter",
    LetterStatus,
    {
        LetterStatus.DRAFT: (LetterStatus.OPEN,),
        LetterStatus.OPEN: (LetterStatus.CLOSED,),
        LetterStatus.CLOSED: (LetterStatus.OPEN,),
    },
)
