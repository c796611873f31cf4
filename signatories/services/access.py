"""Who reaches a signature's own page: links and secrets anew, and an organisation's access locked by staff."""

from collections.abc import Iterable
from contextlib import suppress

from django.db import transaction
from django.db.models import F

from accounts.models import User
from ledger.services import Overtaken, move, witness
from signatories import emails
from signatories.models import Organisation, Signature
from signatories.services.secrets import new_secret, secret_index
from signatories.states import HandoverStatus, OrganisationStatus


def issue_new_link(signature: Signature, *, by: User) -> None:
    """Make the links that were mailed for the signature worthless, but for those that withdraw, and mail a new one."""
    with transaction.atomic():
        _raise_generation(signature)
        witness(signature, "new link", by=by)
        emails.new_link(signature)


def issue_new_secret(signature: Signature, *, by: User) -> str:
    """A new secret in place of a lost one, which opens nothing any more. To be shown once; only its hash is kept."""
    with transaction.atomic():
        witness(signature, "new secret", by=by)
        return _renew_secret(signature)


def renew_access(signature: Signature) -> str:
    """Links and secret anew, in the caller's transaction; the secret, or nothing where the signature has none."""
    _raise_generation(signature)
    return _renew_secret(signature) if signature.is_withheld else ""


def take_back(signature: Signature) -> None:
    """Ask nobody to take the signature over any more."""
    for handover in signature.handovers.filter(status=HandoverStatus.OFFERED):
        with suppress(Overtaken):  # accepted at this moment
            move(handover, HandoverStatus.ENDED, by=None)


def lock(organisation: Organisation, *, by: User, also: Iterable[Signature] = ()) -> None:
    """Close the own pages of an organisation's signers: their mailbox may be in other hands. Raises `Overtaken`.

    `also` are signatures that staff take for the organisation's, by whatever name.
    """
    with transaction.atomic():
        move(organisation, OrganisationStatus.LOCKED, by=by)
        lock_too(organisation, also, by=by)


def lock_too(organisation: Organisation, signatures: Iterable[Signature], *, by: User) -> None:
    """The lock closes these besides those that are the organisation's anyway, and no others any more."""
    with transaction.atomic():
        before, after = set(organisation.locked_too.all()), set(signatures)
        organisation.locked_too.set(after)
        for signature in before ^ after:
            witness(signature, "locked too" if signature in after else "no more locked", by=by)


def unlock(organisation: Organisation, *, by: User) -> None:
    move(organisation, OrganisationStatus.KNOWN, by=by)


def _renew_secret(signature: Signature) -> str:
    secret = new_secret()
    signature.secret_index = secret_index(secret)
    Signature.objects.filter(pk=signature.pk).update(secret_index=signature.secret_index)
    return secret


def _raise_generation(signature: Signature) -> None:
    """Links are dead, the one to take the signature over, too: nobody waits for an answer to that."""
    take_back(signature)
    Signature.objects.filter(pk=signature.pk).update(link_generation=F("link_generation") + 1)
    signature.refresh_from_db(fields=["link_generation"])
