"""Organisations are asked to sign: each by a link of its own, in its own language, with one chaser at most."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone

from accounts.models import User
from ledger.bell import ring
from ledger.services import Overtaken, move, record, witness
from letters.models import Letter
from signatories import organisation_emails as emails
from signatories.folding import fold_name, mailbox
from signatories.models import Invitation, Organisation, Signature
from signatories.models.invitation import InvitationQuerySet
from signatories.models.organisation import OrganisationQuerySet
from signatories.services.signing import NotOpen
from signatories.states import InvitationStatus

AT_A_TIME = 500


@dataclass(frozen=True, kw_only=True)
class Invitee:
    """Whom to ask, where, and in which language."""

    name: str
    email: str
    language: str
    organisation: Organisation | None = None

    @property
    def key(self) -> tuple[str, str]:
        return mailbox(self.email), fold_name(self.name)


@dataclass(frozen=True)
class Standing:
    """Why an invitee is not invited (again): `invited` already, or `refused` all mails of this kind."""

    invited: frozenset[tuple[str, str]]
    refused: frozenset[str]

    def takes(self, invitee: Invitee) -> bool:
        return invitee.key not in self.invited and invitee.key[0] not in self.refused


def standing(letter: Letter, invitees: Iterable[Invitee]) -> Standing:
    """Who of `invitees` has an invitation to `letter` already, and whose mailbox wants none."""
    boxes = list({invitee.key[0] for invitee in invitees})
    invited: set[tuple[str, str]] = set()
    refused: set[str] = set()
    for start in range(0, len(boxes), AT_A_TIME):  # SQLite takes so many values in one question, not any number
        same = Invitation.objects.filter(mailbox__in=boxes[start : start + AT_A_TIME])
        invited.update(same.live().filter(letter=letter).values_list("mailbox", "folded_name"))
        refused.update(same.filter(no_more_mails=True).values_list("mailbox", flat=True))
    return Standing(frozenset(invited), frozenset(refused))


def invite(letter: Letter, invitees: Sequence[Invitee], *, by: User) -> int:
    """Prepare an invitation each, and have them mailed; how many are new.

    Who is invited already keeps the one invitation, and who wants no mails gets none. Raises `NotOpen`.
    """
    from signatories import tasks

    with transaction.atomic():
        found = Letter.objects.select_for_update().get(pk=letter.pk)
        if not found.takes_signatures:
            raise NotOpen
        known = standing(letter, invitees)
        new = {invitee.key: invitee for invitee in invitees if known.takes(invitee)}
        for (box, folded), invitee in new.items():
            prepared = letter.invitations.create(
                organisation=invitee.organisation,
                name=invitee.name,
                folded_name=folded,
                email=invitee.email,
                mailbox=box,
                language=invitee.language,
                invited_by=by,
            )
            record(prepared, by=by)
        ring(tasks.send_invitations)
    return len(new)


def chase(letter: Letter, *, by: User) -> int:
    """Ask once more those who are silent and have not been chased; how many. Raises `NotOpen`."""
    from signatories import tasks

    with transaction.atomic():
        if not Letter.objects.select_for_update().get(pk=letter.pk).takes_signatures:
            raise NotOpen
        waiting = chaseable(letter).update(to_chase=True)
        if waiting:
            witness(letter, "silent chased", by=by)
            ring(tasks.send_invitations)
    return waiting


def chaseable(letter: Letter) -> InvitationQuerySet:
    """Silent, not chased yet, and not about to be."""
    silent: InvitationQuerySet = letter.invitations.silent()
    return silent.filter(chased_at=None, to_chase=False)


def send_waiting() -> int:
    """Mail what waits: invitations and chasers of letters that take signatures. How many were mailed.

    Each is claimed together with its mail, so that it goes out once, however many workers look.
    """
    mailed = 0
    open_letters = Letter.objects.taking_signatures()
    for queue, send in ((Invitation.objects.to_be_sent(), _send), (Invitation.objects.to_be_chased(), _send_chaser)):
        for waiting in queue.filter(letter__in=open_letters).select_related("letter")[:AT_A_TIME]:
            mailed += send(waiting)
    return mailed


def revoke(invited: Invitation, *, by: User) -> None:
    """Take an invitation back: its link opens nothing any more. Raises `Overtaken` or `IllegalMove`."""
    move(invited, InvitationStatus.REVOKED, by=by, to_chase=False)


def from_registry(organisations: OrganisationQuerySet, *, language: str) -> list[tuple[Organisation, Invitee | None]]:
    """Whom to ask of each, and None where the registry knows no address.

    A mandated signer first, then who signed for it last (unless in secret), then the address that it publishes.
    `language` is that of organisations which have not signed in one.
    """
    spoken_for = Prefetch(
        "signatures",
        Signature.objects.public().exclude(mailbox="").filter(forgotten_at=None).order_by("-signed_at"),
        to_attr="signed_publicly",
    )
    found = organisations.prefetch_related("mandated_signers", spoken_for)
    return [(organisation, _invitee(organisation, language)) for organisation in found]


def _invitee(organisation: Organisation, language: str) -> Invitee | None:
    signed: list[Signature] = organisation.signed_publicly  # type: ignore[attr-defined]
    mandated = [mandate for mandate in organisation.mandated_signers.all() if mandate.holds(timezone.now().date())]
    email = mandated[-1].email if mandated else signed[0].email if signed else organisation.public_email
    if not email:
        return None
    spoken = signed[0].language if signed else language
    return Invitee(
        name=own_name(organisation),
        email=email,
        language=spoken if spoken in dict(settings.LANGUAGES) else language,
        organisation=organisation,
    )


def own_name(organisation: Organisation) -> str:
    """What it calls itself, whatever the reader's language."""
    name: str = getattr(organisation, f"name_{settings.MODELTRANSLATION_DEFAULT_LANGUAGE}")
    return name


def _send(waiting: Invitation) -> bool:
    try:
        with transaction.atomic():
            move(waiting, InvitationStatus.INVITED, by=None, invited_at=timezone.now())
            emails.invitation(waiting)
    except Overtaken:
        return False
    return True


def _send_chaser(waiting: Invitation) -> bool:
    now = timezone.now()
    with transaction.atomic():
        claimed = Invitation.objects.to_be_chased().filter(pk=waiting.pk).order_by()
        if claimed.update(chased_at=now, to_chase=False) != 1:
            return False
        witness(waiting, "chased", by=None)
        emails.chaser(waiting)
    return True
