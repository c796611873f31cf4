"""Staff cut editions, prepare and halt dispatches, and find out about deliveries that nobody answered."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.access import (
    access_campaign,
    access_deliveries,
    access_desk,
    access_send,
    back,
    fresh_login,
    staff,
    staff_page,
)
from dispatch import seal, smtp
from dispatch.models import Delivery, Dispatch, Edition, EditionFile
from dispatch.services import deliveries, dispatches, dry_runs, editions, senders
from dispatch.states import DeliveryStatus
from ledger.services import IllegalMove, Overtaken
from letters.models import Letter
from mailing.writing import one_line

# How far the talk with the mail server had come.
STAGES: dict[str, Promise] = {
    "message": gettext_lazy("putting the mail together"),
    smtp.Stage.CONNECT: gettext_lazy("connecting"),
    smtp.Stage.EHLO: gettext_lazy("greeting"),
    smtp.Stage.STARTTLS: gettext_lazy("encrypting the connection"),
    smtp.Stage.AUTH: gettext_lazy("signing in"),
    smtp.Stage.MAIL: gettext_lazy("naming the sender"),
    smtp.Stage.RCPT: gettext_lazy("naming the recipient"),
    smtp.Stage.DATA: gettext_lazy("announcing the mail"),
    smtp.Stage.BODY: gettext_lazy("handing the mail over"),
    smtp.Stage.DOT: gettext_lazy("after the whole mail"),
}

PREPARED = gettext_lazy("The dispatch is prepared. Whoever prepared it and a second person have to authorise it.")
CHANGED = gettext_lazy("Nothing was done: things have changed since the page was shown. Look at how they stand now.")
REFUSALS: dict[type[Exception], Promise] = {
    editions.NothingToFreeze: gettext_lazy(
        "An edition needs at least one approved signatory and one addressee. There is nothing to freeze yet."
    ),
    seal.NoCertificate: gettext_lazy(
        "The certificate that seals can’t be opened, and the letter prints its fingerprint. An operator has to mend it"
        " (SEAL_P12)."
    ),
    dispatches.NotSealed: gettext_lazy(
        "Only the latest sealed edition is sent, and only while everybody named in it stands under the letter."
        " Cut a new edition."
    ),
    dispatches.AlreadySent: gettext_lazy(
        "Whoever it would go to has this edition already, or a dispatch there is under way."
        " Nobody gets the same edition twice."
    ),
    dispatches.SomethingStandsInTheWay: gettext_lazy(
        "Nothing is authorised while something stands in the way that is neither mended nor waived."
    ),
    dispatches.SendingIsOff: gettext_lazy(
        "Sending is off on this site. Somebody who may send has to switch it on first."
    ),
    dry_runs.UnderWay: gettext_lazy("A dry run is under way. Wait until it has ended."),
    dispatches.AnotherDossier: CHANGED,
    IllegalMove: CHANGED,
    Overtaken: CHANGED,
}


@require_POST
@staff_page(access_campaign)
def cut(request: HttpRequest, slug: str) -> HttpResponse:
    """Freeze an edition, if none was cut since the page that the button was on."""
    letter = get_object_or_404(Letter, slug=slug)
    try:
        made = _cut(letter, request)
    except tuple(REFUSALS) as refusal:
        refuse(request, refusal)
    else:
        number = made.edition.number
        messages.success(request, _("Edition %(number)s is cut and is being typeset.") % {"number": number})
        _tell_how_many_are_missing(request, made)
    return redirect("desk:letter", slug=slug)


@require_POST
@staff_page(access_campaign)
def try_again(request: HttpRequest, pk: int) -> HttpResponse:
    edition = get_object_or_404(Edition.objects.select_related("letter"), pk=pk)
    try:
        editions.try_again(edition, by=staff(request))
        messages.success(request, _("Edition %(number)s is being typeset again.") % {"number": edition.number})
    except tuple(REFUSALS) as refusal:
        refuse(request, refusal)
    return redirect("desk:letter", slug=edition.letter.slug)


@require_safe
@staff_page(access_desk)
def edition_pdf(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """What was sealed, byte for byte, also where it is public no more."""
    file = get_object_or_404(EditionFile, edition=pk, language=language)
    if not file.sealed:
        raise Http404
    name = f'inline; filename="letter-{file.language}.pdf"'
    return HttpResponse(editions.sealed_bytes(file), "application/pdf", headers={"Content-Disposition": name})


@require_POST
@staff_page(access_campaign)
@fresh_login
def prepare(request: HttpRequest, pk: int) -> HttpResponse:
    edition = get_object_or_404(Edition.objects.select_related("letter"), pk=pk)
    try:
        made = dispatches.prepare(edition, by=staff(request))
    except tuple(REFUSALS) as refusal:
        refuse(request, refusal)
        return redirect("desk:letter", slug=edition.letter.slug)
    messages.success(
        request, _("The dispatch is prepared. Whoever prepared it and a second person have to authorise it.")
    )
    return redirect("desk:dispatch", pk=made.pk)


@require_POST
@staff_page(access_deliveries)
def look_up_sender(request: HttpRequest) -> HttpResponse:
    """Have the sender's records looked up in DNS by a worker, and go back to where the button was."""
    senders.ask()
    if not settings.MAIL_IS_CAUGHT:
        messages.success(request, _("The records of the sender are being looked up. Load this page again in a minute."))
    return redirect(back(request, reverse("desk:home")))


@require_POST
@staff_page(access_send)
def halt(request: HttpRequest, pk: int) -> HttpResponse:
    return act(request, pk, dispatches.halt, _("The dispatch is halted."))


@require_POST
@staff_page(access_send)
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    return act(request, pk, dispatches.resume, _("The dispatch goes on."))


@require_POST
@staff_page(access_desk)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """The sender's right, and the preparer's own."""
    if find_dispatch(pk).prepared_by_id != staff(request).pk:
        access_send(staff(request))
    return act(request, pk, dispatches.cancel, _("The dispatch is cancelled."))


@require_POST
@staff_page(access_send)
def resolve(request: HttpRequest, pk: int) -> HttpResponse:
    """What a person found out about a delivery, for the attempt that they looked up."""
    delivery = get_object_or_404(Delivery.objects.select_related("dispatch"), pk=pk)
    to = request.POST.get("to", "")
    try:
        if str(delivery.attempts) != request.POST.get("attempts") or delivery.status != DeliveryStatus.UNKNOWN:
            raise Overtaken
        deliveries.resolve(delivery, to, by=staff(request), relay_id=one_line(request.POST.get("relay_id", ""))[:100])
        messages.success(request, _("Your decision is recorded."))
    except tuple(REFUSALS) as refusal:
        refuse(request, refusal)
    return redirect("desk:dispatch", pk=delivery.dispatch_id)


def _cut(letter: Letter, request: HttpRequest) -> editions.Cut:
    """Pressed twice, the button cuts once: it says which edition was the latest when it was shown."""
    with transaction.atomic():
        Letter.objects.select_for_update().get(pk=letter.pk)
        last = letter.editions.order_by("number").values_list("number", flat=True).last() or 0
        if str(last) != request.POST.get("last"):
            raise Overtaken
        return editions.cut_edition(letter, by=staff(request))


def _tell_how_many_are_missing(request: HttpRequest, made: editions.Cut) -> None:
    """Their names stay out of the message, which travels in a cookie; the letter's page has them."""
    if made.pending or made.unconfirmed:
        text = _("Not in it: under review %(pending)s, unconfirmed %(unconfirmed)s. They are named below.")
        counts = {"pending": len(made.pending), "unconfirmed": len(made.unconfirmed)}
        messages.info(request, text % counts)


def act(request: HttpRequest, pk: int, verb: Callable[..., object], done: str) -> HttpResponse:
    try:
        verb(find_dispatch(pk), by=staff(request))
        messages.success(request, done)
    except tuple(REFUSALS) as refusal:
        refuse(request, refusal)
    return redirect("desk:dispatch", pk=pk)


def refuse(request: HttpRequest, refusal: Exception) -> None:
    messages.error(request, str(REFUSALS[type(refusal)]))


def find_dispatch(pk: int) -> Dispatch:
    known = Dispatch.objects.select_related("edition__letter", "prepared_by", "authorised_by")
    return get_object_or_404(known, pk=pk)
