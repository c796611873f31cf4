"""What invited organisations answer: they sign, decline, or want no such mails."""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from ledger.services import IllegalMove, Overtaken, move, witness
from signatories.models import Invitation, Signature
from signatories.states import InvitationStatus


def decline(invited: Invitation) -> None:
    """The invited organisation's button: it will not sign, and gets no chaser. Again, it changes nothing."""
    try:
        move(invited, InvitationStatus.DECLINED, by=None, answered_at=timezone.now(), to_chase=False)
    except (IllegalMove, Overtaken):
        return


def stop_mails(invited: Invitation) -> None:
    """The mailbox is not that organisation's, or wants no invitations: none goes there any more, of no letter."""
    with transaction.atomic():
        if Invitation.objects.filter(pk=invited.pk, no_more_mails=False).update(no_more_mails=True, to_chase=False):
            witness(invited, "no more mails", by=None)
        decline(invited)


def has_signed(signature: Signature) -> None:
    """A signature was confirmed or approved: the invitations that it answers have been answered.

    A confirmed one answers the link that it came by and those to its own mailbox; who it is for is believed only
    once it is approved.
    """
    answered = Q(pk=signature.invitation_id)
    if signature.mailbox:
        answered |= Q(mailbox=signature.mailbox)
    if signature.organisation_id:
        answered |= Q(organisation=signature.organisation_id) | Q(folded_name=signature.folded_name)
    open_ones = (InvitationStatus.INVITED, InvitationStatus.DECLINED)
    for invited in Invitation.objects.filter(answered, letter=signature.letter_id, status__in=open_ones):
        try:
            move(invited, InvitationStatus.SIGNED, by=None, answered_at=timezone.now(), to_chase=False)
        except Overtaken:
            continue  # taken back at this moment
