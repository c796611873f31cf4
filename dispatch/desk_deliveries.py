"""A delivery at the desk: what is known of it, what came back, and the ways that are left when it was refused."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import access_campaign, access_deliveries, fresh_login, may, staff, staff_page
from accounts.models import User
from dispatch import bundle, paper, pdf, record, seal
from dispatch.desk import CHANGED, REFUSALS, STAGES
from dispatch.desk_forms import (
    CarriedForm,
    EvidenceForm,
    RefusedForm,
    RegisteredForm,
    ReplyForm,
    SummaryForm,
    TakenForm,
)
from dispatch.lookup import look_up
from dispatch.models import Channel, Delivery, Evidence, FurtherAddress, Recipient, Reply
from dispatch.services import dispatches, evidence, outcomes
from dispatch.states import TURNED_AWAY, DeliveryStatus, DispatchStatus
from ledger.models import Event
from ledger.services import Overtaken

ON_THE_WAY = (DispatchStatus.SENDING, DispatchStatus.DONE)
PACKS: dict[str, Callable[[Delivery], bytes]] = {
    "covering": paper.covering_letter,
    "label": paper.label,
    "follow-up": paper.follow_up_letter,
}
BROKEN = gettext_lazy("A file of the evidence can’t be read, or is not as it was kept. An operator has to look.")
UNSEALED: dict[type[Exception], Promise] = {
    seal.NoTimeStamp: gettext_lazy(
        "The evidence can’t be sealed now, for the time stamping authority gives no stamp. Try again later."
    ),
    seal.NoCertificate: gettext_lazy(
        "The evidence can’t be sealed, for the certificate can’t be opened. An operator has to look."
    ),
    evidence.Broken: BROKEN,
}
# What the history says of each event beside the states.
HAPPENED: dict[str, Promise] = {
    "taken": pgettext_lazy("history", "Line of the log written down"),
    "corrected": pgettext_lazy("history", "Registration corrected"),
}
HAPPENED_TO_REPLY: dict[str, Promise] = {
    "described": pgettext_lazy("history", "Reply described"),
    "published": pgettext_lazy("history", "Reply published"),
    "taken back": pgettext_lazy("history", "Reply taken off the public record"),
}
log = logging.getLogger(__name__)


@require_safe
@staff_page(access_deliveries)
def delivery(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, _delivery(pk))


@require_POST
@staff_page(access_deliveries)
def taken(request: HttpRequest, pk: int) -> HttpResponse:
    found = _delivery(pk)
    return _write_down(request, found, TakenForm(request.POST, delivery=found), outcomes.note_taken)


@require_POST
@staff_page(access_deliveries)
def registered(request: HttpRequest, pk: int) -> HttpResponse:
    found = _delivery(pk)
    form = RegisteredForm(request.POST, delivery=found)

    def register(delivery: Delivery, *, was: str, **stated: Any) -> None:
        if was != form.stands:
            raise Overtaken(f"Delivery {delivery.pk} was registered meanwhile")
        is_there = delivery.status == DeliveryStatus.REGISTERED
        (outcomes.correct_registration if is_there else outcomes.register)(delivery, **stated)

    return _write_down(request, found, form, register)


@require_POST
@staff_page(access_deliveries)
def refused(request: HttpRequest, pk: int) -> HttpResponse:
    found = _delivery(pk)
    return _write_down(request, found, RefusedForm(request.POST, delivery=found), outcomes.call_refused)


@require_POST
@staff_page(access_deliveries)
def carried(request: HttpRequest, pk: int) -> HttpResponse:
    """With the receipt, or the screenshot of the form."""
    found = _delivery(pk)

    def carry(delivery: Delivery, *, to: str, on: Any, by: Any, tracking: str = "", file: bytes | None = None) -> None:
        outcomes.carry(delivery, to, on=on, tracking=tracking, by=by)
        if file:
            kind = Evidence.Kind.SCREENSHOT if delivery.channel == Channel.WEB else Evidence.Kind.RECEIPT
            evidence.add(delivery, file, kind=kind, by=by)

    form = CarriedForm(request.POST, request.FILES, delivery=found)
    if request.POST.get(form.add_prefix("to")) in form.overtaken:
        messages.error(request, str(CHANGED))
        return redirect("desk:delivery", pk=pk)
    return _write_down(request, found, form, carry)


@require_POST
@staff_page(access_deliveries)
def add_evidence(request: HttpRequest, pk: int) -> HttpResponse:
    def keep(delivery: Delivery, *, kind: str, file: bytes, by: Any) -> None:
        evidence.add(delivery, file, kind=kind, by=by)

    return _write_down(request, _delivery(pk), EvidenceForm(request.POST, request.FILES), keep)


@require_POST
@staff_page(access_deliveries)
def add_reply(request: HttpRequest, pk: int) -> HttpResponse:
    def file_reply(delivery: Delivery, *, by: Any, file: bytes | None, **stated: Any) -> None:
        reply = outcomes.file_reply(delivery, by=by, **stated)
        if file:
            evidence.add(delivery, file, kind=Evidence.Kind.REPLY, by=by, reply=reply)

    found = _delivery(pk)
    return _write_down(request, found, ReplyForm(request.POST, request.FILES, delivery=found), file_reply)


@require_POST
@staff_page(access_campaign)
@fresh_login
def next_rung(request: HttpRequest, pk: int) -> HttpResponse:
    """A dispatch of the same edition to the address that a person chose; somebody else authorises it."""
    found = _delivery(pk)
    further = get_object_or_404(FurtherAddress, pk=_number(request.POST.get("to")), recipient=found.recipient_id)
    try:
        made = dispatches.prepare_next(found, further, by=staff(request))
    except tuple(REFUSALS) as refusal:
        messages.error(request, str(REFUSALS[type(refusal)]))
        return redirect("desk:delivery", pk=pk)
    messages.success(
        request, _("The dispatch is prepared. Whoever prepared it and a second person have to authorise it.")
    )
    return redirect("desk:dispatch", pk=made.pk)


@require_safe
@staff_page(access_deliveries)
def pack(request: HttpRequest, pk: int, part: str) -> HttpResponse:
    """A page to be printed, made now."""
    found = _delivery(pk)
    if not _may_be_had(found, part):
        refused = Overtaken if part == "follow-up" else dispatches.NotSealed
        messages.error(request, str(REFUSALS[refused]))
        return redirect("desk:delivery", pk=pk)
    try:
        data = PACKS[part](found)
    except pdf.CannotTypeset as trouble:
        messages.error(request, str(trouble))
        return redirect("desk:delivery", pk=pk)
    name = f'inline; filename="{part}-{found.pk}.pdf"'
    return HttpResponse(data, "application/pdf", headers={"Content-Disposition": name})


@require_safe
@staff_page(access_deliveries)
def evidence_file(request: HttpRequest, pk: int) -> HttpResponse:
    """Saved, never shown: what a stranger sent does not run under our name."""
    found = get_object_or_404(Evidence, pk=pk)
    try:
        data = evidence.contents(found)
    except evidence.Broken as trouble:
        log.error("%s", trouble)
        messages.error(request, BROKEN)
        return redirect("desk:delivery", pk=found.delivery_id)
    name = f'attachment; filename="{evidence.name_of(found)}"'
    return HttpResponse(data, found.content_type, headers={"Content-Disposition": name})


@require_safe
@staff_page(access_deliveries)
def bundled(request: HttpRequest, pk: int) -> HttpResponse:
    """All that is known of it in one file, sealed now."""
    found = _delivery(pk)
    try:
        data = bundle.of(found)
    except tuple(UNSEALED) as trouble:
        log.warning("The evidence of delivery %s can't be sealed: %s", pk, trouble)
        messages.error(request, str(UNSEALED[type(trouble)]))
        return redirect("desk:delivery", pk=pk)
    name = f'attachment; filename="delivery-{found.pk}.zip"'
    return HttpResponse(data, "application/zip", headers={"Content-Disposition": name})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(access_deliveries)
def reply(request: HttpRequest, pk: int) -> HttpResponse:
    """Read a reply, say what it is, and write what the public reads of it."""
    found = _reply(pk)
    form = SummaryForm(request.POST or None, reply=found)
    if not form.is_valid():
        return _reply_page(request, found, form, status=422 if form.is_bound else 200)
    try:
        if request.POST.get("seen") != outcomes.seen_of(found):
            raise Overtaken(f"Reply {pk} is another than the page showed")
        outcomes.describe(found, by=staff(request), **form.cleaned_data)
    except (Overtaken, outcomes.Untold):
        return _reply_page(request, _reply(pk), form, status=409, is_overtaken=True)
    messages.success(request, _("Saved."))
    return redirect("desk:reply", pk=pk)


@require_POST
@staff_page(access_deliveries)
def publish_reply(request: HttpRequest, pk: int) -> HttpResponse:
    return _turn(request, pk, outcomes.publish, _("The public record shows it within seconds."))


@require_POST
@staff_page(access_deliveries)
def unpublish_reply(request: HttpRequest, pk: int) -> HttpResponse:
    return _turn(request, pk, outcomes.unpublish, _("It is off the public record within seconds."))


@require_safe
@staff_page(access_deliveries)
def offices(request: HttpRequest) -> HttpResponse:
    """How each office took the letters that it was sent, across letters."""
    known = Delivery.objects.select_related("recipient", "edition__letter", "dispatch").prefetch_related("replies")
    by_office: dict[str, list[Delivery]] = {}
    for sent in known.on_record().order_by("edition__letter", "recipient__order", "recipient", "pk"):
        by_office.setdefault(_office(sent.recipient), []).append(sent)
    rows = [(listed[0].recipient.title, record.entries(listed)) for _key, listed in sorted(by_office.items())]
    return render(request, "desk/offices.html", {"offices": rows})


def _office(recipient: Recipient) -> str:
    """The same office in another letter has the same title, in the language that every letter has."""
    title: str = recipient.title_en  # type: ignore[attr-defined]
    return " ".join(title.casefold().split())


def _write_down(request: HttpRequest, found: Delivery, form: forms.Form, verb: Callable[..., None]) -> HttpResponse:
    if not form.is_valid():
        return _page(request, found, status=422, **{str(form.prefix): form})
    try:
        verb(found, by=staff(request), **form.cleaned_data)
        messages.success(request, _("It is on record."))
    except tuple(REFUSALS) as refusal:
        messages.error(request, str(REFUSALS[type(refusal)]))
    return redirect("desk:delivery", pk=found.pk)


def _reply(pk: int) -> Reply:
    known = Reply.objects.select_related("delivery__edition__letter", "delivery__recipient", "delivery__dispatch")
    return get_object_or_404(known, pk=pk)


def _reply_page(
    request: HttpRequest, found: Reply, form: SummaryForm, *, status: int, is_overtaken: bool = False
) -> HttpResponse:
    context = {
        "reply": found,
        "delivery": found.delivery,
        "letter": found.delivery.edition.letter,
        "form": form,
        "seen": outcomes.seen_of(found),
        "theirs": SummaryForm(reply=found) if is_overtaken else None,
    }
    return render(request, "desk/reply.html", context, status=status)


def _turn(request: HttpRequest, pk: int, verb: Callable[..., None], done: str) -> HttpResponse:
    found = _reply(pk)
    try:
        if request.POST.get("seen") != outcomes.seen_of(found):
            raise Overtaken(f"Reply {pk} is another than the page showed")
        verb(found, by=staff(request))
        messages.success(request, done)
    except outcomes.Untold:
        messages.error(
            request, _("Say what it is, and write the summary in every language of the site, before it is published.")
        )
    except tuple(REFUSALS) as refusal:
        messages.error(request, str(REFUSALS[type(refusal)]))
    return redirect("desk:reply", pk=pk)


def _page(request: HttpRequest, found: Delivery, *, status: int = 200, **bound: forms.Form) -> HttpResponse:
    edition = found.edition
    file = edition.files.filter(language=found.language).first()
    waits = found.status == DeliveryStatus.TO_PRINT
    context: dict[str, Any] = {
        "delivery": found,
        "edition": edition,
        "letter": edition.letter,
        "file": file,
        "said": list(record.sentences(found)),
        "conversations": [
            (attempt, STAGES.get(attempt.stage, attempt.stage), _connection(attempt.connection))
            for attempt in found.conversations.all()
        ],
        "notices": found.notices.all(),
        "replies": found.replies.prefetch_related("files"),
        "files": found.evidence.all(),
        "look_up": look_up(found) if found.status == DeliveryStatus.UNKNOWN else None,
        "may_campaign": may(staff(request), access_campaign),
        "may_be_printed": waits and _may_be_printed(found),
        "text": found.wording.letter if waits and found.channel == Channel.WEB else "",
        "follow_up": _follow_up(found) if found.is_overdue else "",
        "next_ways": _next_ways(found) if found.status in TURNED_AWAY else None,
        "forms": _forms(found) | bound,
        "history": sorted(_history(found), key=lambda told: told[0]),
    }
    return render(request, "desk/delivery.html", context, status=status)


def _history(found: Delivery) -> Iterator[tuple[datetime, str, User | None]]:
    """What was done with it and with its replies, when and by whom."""
    for event in Event.objects.about(found).select_related("by"):
        words = HAPPENED.get(event.target) or DeliveryStatus(event.target).label
        yield event.at, str(words), event.by
    replies = {reply.pk: reply for reply in found.replies.select_related("filed_by")}
    for reply in replies.values():
        yield reply.filed_at, pgettext("history", "Reply filed"), reply.filed_by
    about_replies = Event.objects.filter(table=Reply._meta.label_lower, row__in=replies).select_related("by")
    for event in about_replies:
        yield event.at, str(HAPPENED_TO_REPLY[event.target]), event.by


def _connection(facts: dict[str, Any]) -> list[tuple[str, Any]]:
    """What is known of a connection, in words where there are any; the rest are terms of the trade."""
    labels = {"relay": _("Our mail server"), "peer": _("Address that answered"), "tls": "TLS"}
    labels |= {"cipher": _("Cipher"), "bits": _("Length of the key, in bits")}
    labels |= {"certificate_sha256": _("Certificate of the mail server (SHA-256)")}
    return [(label, facts[name]) for name, label in labels.items() if name in facts]


def _forms(found: Delivery) -> dict[str, forms.Form]:
    """What may be written down as it stands."""
    allows = found.machine.allows
    offered: dict[str, forms.Form] = {"evidence": EvidenceForm()}
    if found.left_on:
        offered["reply"] = ReplyForm(delivery=found)
    if (
        found.is_mail
        and found.taken_at is None
        and found.status in (DeliveryStatus.ACCEPTED, DeliveryStatus.REGISTERED)
    ):
        offered["taken"] = TakenForm(initial={"relay_id": found.relay_id}, delivery=found)
    if found.status == DeliveryStatus.REGISTERED or allows(found.status, DeliveryStatus.REGISTERED):
        offered["registered"] = RegisteredForm(delivery=found)
    if allows(found.status, DeliveryStatus.REFUSED):
        offered["refused"] = RefusedForm(delivery=found)
    if found.status in (DeliveryStatus.TO_PRINT, DeliveryStatus.POSTED):
        offered["carried"] = CarriedForm(delivery=found)
    return offered


def _follow_up(found: Delivery) -> str:
    """As a text to paste: salutation, paragraphs, and who writes."""
    printed = found.edition.content["languages"][found.language]
    return "\n\n".join([found.wording.salutation, *paper.follow_up(found), printed["contact_name"]])


def _next_ways(found: Delivery) -> list[tuple[FurtherAddress, bool]]:
    """The further addresses of the recipient, and whether this edition is there, or on its way, already."""
    tried = found.edition.deliveries.exclude(status__in=(DeliveryStatus.CANCELLED, DeliveryStatus.RETURNED))
    known = set(tried.filter(recipient=found.recipient_id).values_list("channel", "address"))
    further = found.recipient.further_addresses.all()
    return [(way, (way.channel, way.as_sent) in known) for way in further]


def _may_be_had(found: Delivery, part: str) -> bool:
    if part == "follow-up":
        return found.is_overdue
    return _may_be_printed(found) or (part == "label" and found.is_overdue)


def _may_be_printed(found: Delivery) -> bool:
    return found.dispatch.status in ON_THE_WAY and not found.edition.names_someone_who_left


def _delivery(pk: int) -> Delivery:
    known = Delivery.objects.select_related("dispatch", "edition__letter", "recipient", "after")
    return get_object_or_404(known, pk=pk)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0
