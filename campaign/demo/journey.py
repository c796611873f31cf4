"""The demonstration letter's whole life, through the services that pages use, a real worker and a real mail server.

Every step leaves what is done alone, so that the journey can be interrupted and taken up again.
"""

import email
import email.policy
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from accounts.models import Role, User
from accounts.services import add_staff
from campaign.demo import load
from dispatch import dossier
from dispatch.models import Dispatch, Edition, Host
from dispatch.services import deliveries, dispatches, dry_runs, editions, hosts, switch
from dispatch.states import DispatchStatus, EditionStatus, HostStatus, SwitchStatus
from letters.models import Letter
from mailing import services as mailing
from signatories import links, services
from signatories.folding import fold_name
from signatories.folding import mailbox as mailbox_of
from signatories.models import Signature
from signatories.services import Signing
from signatories.states import SignatureStatus

STAFF = {
    "campaigner": ("campaigner@desk.example.org", "Demo Campaigner", Role.Name.CAMPAIGNER),
    "reviewer": ("reviewer@desk.example.org", "Demo Reviewer", Role.Name.REVIEWER),
    "sender": ("sender@desk.example.org", "Demo Sender", Role.Name.SENDER),
    "administrator": ("admin@desk.example.org", "Demo Administrator", Role.Name.ADMINISTRATOR),
}
# What a demonstration lets stand.
WAIVED = {"unproven": "This is a demonstration: nobody signed for this organisation, and nothing leaves the machine."}
LINK = re.compile(r"/signatures/confirm/(?P<token>[^/\s]+)/")

Wait = Callable[[str, Callable[[], int], int], None]


class Stuck(Exception):
    """The journey can't go on, and says why."""


@dataclass
class Journey:
    """`wait(what, how_many, total)` returns once `how_many()` is `total`, and shows progress meanwhile."""

    wait: Wait
    say: Callable[[str], None]
    mail_dir: Path
    staff: dict[str, User] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)

    def run(self) -> Letter:
        self.add_staff()
        letter = load.load_letter(by=self.staff["campaigner"])
        signings = load.signings()
        self.sign(letter, signings)
        self.confirm(letter, signings)
        self.approve(letter)
        edition = self.cut(letter)
        self.dispatch(edition)
        return letter

    def add_staff(self) -> None:
        """Staff of the demonstration, each with a new random password."""
        for name, (address, full_name, role) in STAFF.items():
            password = secrets.token_urlsafe(12)
            user = User.objects.filter(email=address).first() or add_staff(
                email=address, name=full_name, roles=[role], language="en"
            )
            user.set_password(password)
            user.is_active = True
            user.save(update_fields=["password", "is_active"])
            self.staff[name], self.passwords[address] = user, password

    def sign(self, letter: Letter, signings: list[Signing]) -> None:
        """Each organisation fills in the form."""
        for signing in signings:
            if not _signature(letter, signing):
                services.sign(letter, letter.version, signing)
        self.say(f"{len(signings)} organisations have signed.")

    def confirm(self, letter: Letter, signings: list[Signing]) -> None:
        """Each signer opens the mail and presses the button behind its link."""
        waiting = {mailbox_of(signing.email) for signing in signings} & set(
            letter.signatures.filter(status=SignatureStatus.UNCONFIRMED).values_list("mailbox", flat=True)
        )
        self.wait("mails with a link to confirm", lambda: len(waiting & self._links(letter).keys()), len(waiting))
        for mailbox, signature in self._links(letter).items():
            if mailbox in waiting:
                services.confirm(signature, shown=services.fingerprint(signature))
        self.say(f"{len(waiting)} signatures were confirmed.")

    def approve(self, letter: Letter) -> None:
        """The reviewer approves the demonstration's own co-signers; a visitor's signature waits for a person."""
        ours = {(mailbox_of(signing.email), fold_name(signing.name)) for signing in load.signings()}
        lead = fold_name(load.signings()[0].name)
        approved = 0
        for signature in letter.signatures.confirmed():
            if (signature.mailbox, signature.folded_name) in ours:
                if signature.folded_name == lead:
                    services.make_lead(signature)
                services.approve(signature, by=self.staff["reviewer"])
                approved += 1
        self.say(f"{approved} signatures were approved.")

    def cut(self, letter: Letter) -> Edition:
        """Freeze the first edition; a worker typesets and seals it in every language."""
        edition = letter.editions.first() or editions.cut_edition(letter, by=self.staff["campaigner"]).edition
        if edition.status == EditionStatus.FAILED:
            editions.try_again(edition, by=self.staff["campaigner"])

        def sealed() -> int:
            edition.refresh_from_db()
            if edition.status == EditionStatus.FAILED:
                why = f"{edition.get_failure_display()} {edition.failure_detail}"
                raise Stuck(f"The PDF could not be typeset: {why}")
            ready = edition.status in (EditionStatus.SEALED, EditionStatus.SUPERSEDED)
            return edition.files.exclude(sealed="").count() if ready else 0

        self.wait("PDFs sealed", sealed, edition.files.count())
        return edition

    def dispatch(self, edition: Edition) -> None:
        """One member of staff prepares, both authorise; the workers hand over."""
        found = edition.dispatches.exclude(status=DispatchStatus.CANCELLED).first()
        if not found and edition.status == EditionStatus.SUPERSEDED:
            self.say("A later edition is there; this one is not sent any more.")
            return
        dispatch: Dispatch = found or dispatches.prepare(edition, by=self.staff["campaigner"])
        if dispatch.deliveries.open().exists():
            self.switch_on()
        if dispatch.status == DispatchStatus.PREPARED:
            self.authorise(dispatch)
        if dispatch.status == DispatchStatus.HALTED:
            raise Stuck("The dispatch was halted at the desk; resume it there.")
        total = dispatch.deliveries.count()
        self.wait("letters handed to the mail server", lambda: total - dispatch.deliveries.open().count(), total)

    def authorise(self, dispatch: Dispatch) -> None:
        """A dry run, then the words of two people for the dossier as it is."""
        if any(finding.check.act == "put_together" for finding in dossier.of(dispatch).open):
            seen = dossier.of(dispatch).sha256
            dispatches.put_together(dispatch, by=self.staff["campaigner"], seen=seen)
        if dossier.of(dispatch).looked.dry_run_of_these() is None:
            self.rehearse(dispatch)
        for finding in dossier.of(dispatch).open:
            if finding.check.key not in WAIVED:
                raise Stuck(f"Something stands in the way of the dispatch: {finding.sentence}")
            dispatches.waive(
                dispatch, finding=finding.key, facts=finding.facts, reason=WAIVED[finding.check.key],
                by=self.staff["sender"],
            )  # fmt: skip
        for person in ("campaigner", "sender"):
            dispatches.authorise(dispatch, by=self.staff[person], seen=dossier.of(dispatch).sha256)

    def rehearse(self, dispatch: Dispatch) -> None:
        """A worker hands the mails to a catcher of its own, and compares what arrives."""
        with suppress(dry_runs.UnderWay):
            dry_runs.ask(dispatch, by=self.staff["campaigner"])
        self.wait("dry run", lambda: int(dossier.of(dispatch).looked.dry_run_of_these() is not None), 1)

    def switch_on(self) -> None:
        """Let letters leave, from this VAR_DIR. What somebody stopped at the desk stays stopped."""
        hosts.look()
        waiting = Host.objects.filter(status=HostStatus.WAITING).values_list("pk", flat=True)
        found = switch.current()
        if found.status == SwitchStatus.ON:
            switch.admit(waiting, by=self.staff["sender"])
        elif found.turned_at is None:
            switch.turn_on(by=self.staff["sender"], reason="The demonstration", hosts=waiting)
        else:
            raise Stuck("Sending was stopped at the desk; switch it on there (/desk/sending/).")

    def _links(self, letter: Letter) -> dict[str, Signature]:
        """What the latest link to confirm is of that each mailbox received."""
        found = {}
        for path in sorted((self.mail_dir / "others").glob("*.eml")):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            body = message.get_body(("plain",))
            link = LINK.search(body.get_content() if body else "")
            signature = _read(link["token"]) if link else None
            if signature and signature.letter_id == letter.pk:
                found[mailbox_of(str(message["To"]))] = signature
        return found


def _read(token: str) -> Signature | None:
    """The mail of an earlier run may be too old, or of what is deleted."""
    try:
        return links.read("confirm", token)
    except (links.Expired, links.Invalid):
        return None


def sweep() -> None:
    """What the scheduler does in a running site."""
    mailing.sweep()
    editions.sweep()
    dry_runs.sweep()
    deliveries.sweep()


def copy_pdfs(letter: Letter, directory: Path) -> list[Path]:
    """The sealed PDFs of the first edition, as `letter-<lang>.pdf`."""
    directory.mkdir(parents=True, exist_ok=True)
    copied = []
    for file in letter.editions.get(number=1).files.all():
        path = directory / f"letter-{file.language}.pdf"
        path.write_bytes(editions.sealed_bytes(file))
        copied.append(path)
    return copied


def _signature(letter: Letter, signing: Signing) -> Signature | None:
    return letter.signatures.filter(mailbox=mailbox_of(signing.email), folded_name=fold_name(signing.name)).first()


def demo_dir() -> Path:
    return Path(settings.VAR_DIR) / "demo"
