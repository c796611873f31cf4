"""An organisation is told at the address that it publishes who signs in its name, and can object: "this is not us"."""

from django.db import transaction
from django.utils import timezone

from accounts.models import Role, User
from ledger.services import witness
from signatories import organisation_emails as emails
from signatories.folding import mailbox
from signatories.models import Organisation, Signature
from signatories.services.evidence import organisation_of, weigh
from signatories.states import SignatureStatus


def tell_organisation(signature: Signature) -> bool:
    """Somebody has signed in the name of an organisation that the registry knows: say so where it can't be prevented.

    Not where that would give a withheld signature away, nor where the signer reads the same mailbox, nor where staff
    have locked the organisation: its mailbox may be somebody else's now. To be called when it was confirmed.
    """
    if signature.is_withheld or signature.kind != Signature.Kind.ORGANISATION:
        return False
    organisation = organisation_of(signature)
    if organisation is None or organisation.is_locked or not organisation.public_email:
        return False
    if mailbox(organisation.public_email) == signature.mailbox:
        return False
    return emails.notice(signature, organisation.public_email, language=_language(organisation) or signature.language)


def object_to(signature: Signature) -> None:
    """The organisation's button: staff are told, and see it on top. Again, it changes nothing."""
    with transaction.atomic():
        open_ones = Signature.objects.live().filter(pk=signature.pk, visibility=Signature.Visibility.PUBLIC)
        if not open_ones.filter(disputed_at=None).update(disputed_at=timezone.now()):
            return
        witness(signature, "objected to", by=None)
        signature.refresh_from_db(fields=["disputed_at"])
        weigh(signature)
        for reviewer in User.objects.holding(Role.Name.REVIEWER, Role.Name.CAMPAIGNER):
            emails.objection(signature, reviewer)


def may_be_objected_to(signature: Signature) -> bool:
    """Whether the page of the link says anything of the signature."""
    return not signature.is_withheld and signature.status not in (
        SignatureStatus.UNCONFIRMED,
        SignatureStatus.WITHDRAWN,
    )


def spoken_for(signature: Signature) -> Organisation | None:
    """The organisation in whose name it was signed, as the registry has it: what a stranger typed is not repeated."""
    return organisation_of(signature)


def _language(organisation: Organisation) -> str:
    """The one in which it signed last."""
    signed = organisation.signatures.public().order_by("-signed_at").values_list("language", flat=True)
    return signed.first() or ""
