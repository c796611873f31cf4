"""Where each letter stands, and what its next step waits for."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dispatch.models import Delivery, Dispatch, Edition, Reply
from dispatch.services import switch
from dispatch.states import ARRIVING, TURNED_AWAY, DeliveryStatus, DispatchStatus, EditionStatus
from letters.models import Letter, Version
from letters.states import LetterStatus
from signatories.models import Signature
from signatories.states import SignatureStatus

BEING_TYPESET = (EditionStatus.CUT, EditionStatus.RENDERED)
FOR_PEOPLE = (DeliveryStatus.UNKNOWN, DeliveryStatus.TO_PRINT)


@dataclass
class Standing:
    """A letter with its signatures counted by state, its latest edition, and its latest dispatch, of whichever edition.

    `binding` are the approved ones of the text as it stands in its meaning: these would enter an edition. A dispatch
    that was cancelled is as if it had never been. `waiting` are deliveries of any dispatch that people have to do
    something about, and `unread` replies that nobody has looked at.
    """

    letter: Letter
    signatures: Counter[str] = field(default_factory=Counter)
    binding: int = 0
    edition: Edition | None = None
    added: int = 0
    gone: int = 0
    text_changed: bool = False
    dispatch: Dispatch | None = None
    deliveries: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    unread: int = 0
    sending_is_on: bool = False

    @property
    def edition_is_dispatched(self) -> bool:
        return bool(self.edition and self.dispatch and self.dispatch.edition_id == self.edition.pk)

    @property
    def next_step(self) -> str:
        """What is to be done next, or what it waits for, in one sentence."""
        if self.waiting[DeliveryStatus.UNKNOWN]:
            return _("Of some delivery it is not known whether the mail server took it. Look it up and decide.")
        if self.unread:
            return _(
                "An office has replied, and nobody has looked at it. Say what it is: until then the public record"
                " does not say that there is no answer."
            )
        if self.letter.status == LetterStatus.DRAFT:
            return _("The letter is a draft. Open it for signing.")
        if self.edition is None:
            return self._before_the_first_edition()
        if self.edition.status == EditionStatus.FAILED:
            return _("Edition %(number)s could not be typeset. See why, then try again.") % {
                "number": self.edition.number
            }
        if self.edition.status in BEING_TYPESET:
            return progress(self.edition)
        return self._dispatch() if self.edition_is_dispatched else self._before_a_dispatch()

    def _before_the_first_edition(self) -> str:
        if self.signatures[SignatureStatus.PENDING]:
            return self._decide()
        if not self.binding:
            return _("No signature has been approved yet.")
        return _("Every confirmed signature is decided on. An edition can be cut.")

    def _before_a_dispatch(self) -> str:
        assert self.edition
        number = {"number": self.edition.number}
        if self.text_changed:
            text = _("The meaning of the text has changed since edition %(number)s was cut. Cut a new edition.")
        elif self.gone:
            text = _("Somebody who signed edition %(number)s stands under the letter no more. Cut a new edition.")
        elif self.added:
            text = _("Signatures have been approved since edition %(number)s was cut. Cut a new one, or send this one.")
        else:
            text = _("Edition %(number)s is sealed. Prepare a dispatch.")
        return text % number

    def _dispatch(self) -> str:
        assert self.dispatch
        texts = {
            DispatchStatus.PREPARED: _(
                "The dispatch is prepared. Whoever prepared it and a second person have to authorise it."
            ),
            DispatchStatus.HALTED: _("The dispatch is halted. Nothing is handed over until somebody resumes it."),
        }
        if not self.sending_is_on and self.dispatch.status != DispatchStatus.DONE:
            return _("Sending is off on this site. Somebody who may send has to switch it on.")
        return texts.get(DispatchStatus(self.dispatch.status)) or self._after_authorising()

    def _after_authorising(self) -> str:
        """The mails go out by themselves, or have gone."""
        assert self.edition
        assert self.dispatch
        if self.signatures[SignatureStatus.PENDING]:
            return self._decide()
        if self.dispatch.status == DispatchStatus.DONE and (self.gone or self.text_changed):
            return self._before_a_dispatch()
        if self.dispatch.status == DispatchStatus.DONE and self.added:
            text = _("Signatures have been approved since edition %(number)s was sent. Cut a new edition to name them.")
            return text % {"number": self.edition.number}
        if self.waiting[DeliveryStatus.TO_PRINT]:
            return _("Some delivery waits for a person: print it, hand it over or fill in a form, and write that down.")
        if any(self.waiting[status] for status in TURNED_AWAY):
            return _("Some delivery was refused or came back. Choose the next way to reach that office.")
        return _("Nothing to do now: %(delivered)s") % {"delivered": delivered(self.deliveries)}

    def _decide(self) -> str:
        pending = self.signatures[SignatureStatus.PENDING]
        text = ngettext("Decide on %(count)s signature.", "Decide on %(count)s signatures.", pending)
        return text % {"count": pending}


def progress(edition: Edition) -> str:
    """How far typesetting or sealing has come."""
    files = edition.files.all()
    sealing = edition.status == EditionStatus.RENDERED
    ready = sum(1 for file in files if (file.sealed if sealing else file.rendered))
    text = (
        _("Edition %(number)s is being sealed: %(ready)s of %(total)s languages ready.")
        if sealing
        else _("Edition %(number)s is being typeset: %(ready)s of %(total)s languages ready.")
    )
    return text % {"number": edition.number, "ready": ready, "total": len(files)}


def delivered(deliveries: Counter[str]) -> str:
    """How many of a dispatch's deliveries came to which end."""
    text = _("%(accepted)s of %(total)s deliveries accepted, %(failed)s refused.")
    return text % {
        "accepted": sum(deliveries[status] for status in ARRIVING),
        "failed": sum(deliveries[status] for status in (*TURNED_AWAY, DeliveryStatus.REFUSED)),
        "total": sum(deliveries.values()) - deliveries[DeliveryStatus.CANCELLED],
    }


def standings(letters: Iterable[Letter]) -> list[Standing]:
    """Where `letters` stand, in a number of queries that does not grow with them or their signatures."""
    is_on = switch.is_on()
    by_letter = {letter.pk: Standing(letter, sending_is_on=is_on) for letter in letters}
    counted = Signature.objects.filter(letter__in=by_letter).values_list("letter", "status").order_by()
    for letter, status, count in counted.annotate(Count("pk")):
        by_letter[letter].signatures[status] = count
    for letter, count in _binding(by_letter):
        by_letter[letter].binding = count
    for edition in _latest_editions(by_letter):
        standing = by_letter[edition.letter_id]
        standing.edition = edition
        standing.added = standing.binding - edition.still_binding
        standing.gone = edition.frozen - edition.staying
        standing.text_changed = edition.version.number < edition.binding_number
    _add_dispatches(by_letter)
    return list(by_letter.values())


def _binding_number(letter: str) -> Coalesce:
    """`Letter.binding_number` in the database, of the letter that the column `letter` of the outer query names."""
    material = Version.objects.filter(letter=OuterRef(letter), is_material=True).order_by("-number")
    return Coalesce(Subquery(material.values("number")[:1]), 1)


def _binding(letters: Iterable[int]) -> Iterable[tuple[int, int]]:
    """How many approved signatures of each letter are of its text as it stands in its meaning."""
    approved = Signature.objects.filter(letter__in=letters, status=SignatureStatus.APPROVED).order_by()
    binding = approved.filter(version__number__gte=_binding_number("letter"))
    return binding.values_list("letter").annotate(Count("pk"))


def _latest_editions(letters: Iterable[int]) -> Iterable[Any]:
    """With the number of signatures `frozen` in each, of those `staying` in it, and of those that a new one would name.

    Whoever lapsed signed the edition's own text, and does not have to leave that.
    """
    latest = Edition.objects.filter(letter__in=letters).values("letter").order_by().annotate(last=Max("pk"))
    approved = Q(signatures__status=SignatureStatus.APPROVED)
    return (
        Edition.objects.filter(pk__in=latest.values("last"))
        .defer("content")
        .select_related("version")
        .annotate(binding_number=_binding_number("letter"))
        .annotate(
            frozen=Count("signatures"),
            staying=Count("signatures", filter=approved | Q(signatures__status=SignatureStatus.LAPSED)),
            still_binding=Count(
                "signatures", filter=approved & Q(signatures__version__number__gte=F("binding_number"))
            ),
        )
        .prefetch_related("files")
    )


def _add_dispatches(by_letter: dict[int, Standing]) -> None:
    alive = Dispatch.objects.filter(edition__letter__in=by_letter).exclude(status=DispatchStatus.CANCELLED)
    for dispatch in alive.select_related("edition").defer("edition__content").order_by("pk"):
        by_letter[dispatch.edition.letter_id].dispatch = dispatch
    cut = [letter for letter, standing in by_letter.items() if standing.edition]  # of others nothing was ever sent
    for letter, of_dispatch, status, is_followed, count in _deliveries(cut):
        standing = by_letter[letter]
        if standing.dispatch and standing.dispatch.pk == of_dispatch:
            standing.deliveries[status] += count
        if status in FOR_PEOPLE or (status in TURNED_AWAY and not is_followed):
            standing.waiting[status] += count
    unread = Reply.objects.filter(kind=Reply.Kind.UNREAD, delivery__edition__letter__in=cut).order_by()
    for letter, count in unread.values_list("delivery__edition__letter").annotate(Count("pk")):
        by_letter[letter].unread = count


def _deliveries(letters: Iterable[int]) -> Iterable[tuple[int, int, str, bool, int]]:
    """How many of each letter, dispatch and state; and whether the office has been written to again since."""
    again = Delivery.objects.filter(recipient=OuterRef("recipient"), pk__gt=OuterRef("pk"))
    is_followed = Exists(again.exclude(status=DeliveryStatus.CANCELLED))
    counted = Delivery.objects.filter(edition__letter__in=letters).annotate(is_followed=is_followed).order_by()
    return counted.values_list("edition__letter", "dispatch", "status", "is_followed").annotate(Count("pk"))
