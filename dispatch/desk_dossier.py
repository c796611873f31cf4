"""A dispatch at the desk: its dossier, what stands in its way, and the two who authorise it."""

from functools import partial
from typing import Any, NamedTuple

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import (
    access_campaign,
    access_deliveries,
    access_desk,
    access_send,
    fresh_login,
    may,
    staff,
    staff_page,
)
from accounts.models import User
from dispatch import dossier as dossiers
from dispatch.desk import REFUSALS, STAGES, act, find_dispatch, refuse
from dispatch.desk_forms import WaiverForm
from dispatch.dossier import Dossier, Facts, Finding, Looked, behind, called, language_name, wording_of
from dispatch.lookup import look_up
from dispatch.models import Authorisation, Delivery, Dispatch, Waiver
from dispatch.services import dispatches, dry_runs, switch
from dispatch.states import HELD, DeliveryStatus, DispatchStatus
from ledger.services import Overtaken
from letters.services import digest
from signatories.queries import authority_of

SALT = "dispatch.dossier"
TAKE_OUT = ("unverified", "unfit", "outdated")  # findings about a recipient, who can be taken out


class Waiving(NamedTuple):
    """What somebody typed to waive the finding of that key; `first` is the waiver of whoever was quicker."""

    key: str
    form: WaiverForm
    first: Waiver | None = None

    def said(self) -> str:
        """What became of it where there is no finding any more that the form could stand under."""
        if self.first is None:
            return _("Nothing was done: what you waived does not stand in the way any more.")
        who = {"who": self.first.by, "reason": self.first.reason}
        return _("Nothing was done: %(who)s waived it while you wrote, for this reason: %(reason)s") % who


@require_safe
@staff_page(access_desk)
def dispatch(request: HttpRequest, pk: int) -> HttpResponse:
    """What goes to whom, what stands in the way, and what became of it."""
    return _page(request, find_dispatch(pk))


@require_POST
@staff_page(access_deliveries)
@fresh_login
def authorise(request: HttpRequest, pk: int) -> HttpResponse:
    """One of the two words that it takes, for the dossier that the button was under."""
    found = find_dispatch(pk)
    try:
        goes = dispatches.authorise(found, by=staff(request), seen=request.POST.get("seen", ""))
    except dispatches.AnotherDossier:
        return _page(request, find_dispatch(pk), status=409, seen=_seen(request), is_stale=True)
    except tuple(REFUSALS) as refusal:
        refuse(request, refusal)
    else:
        waits = _("Your authorisation is recorded. The dispatch waits for the other one.")
        messages.success(request, _what_goes(found) if goes else waits)
    return redirect("desk:dispatch", pk=pk)


def _what_goes(found: Dispatch) -> str:
    listed = found.deliveries.exclude(status=DeliveryStatus.CANCELLED)
    by_mail = {delivery.is_mail for delivery in listed}
    if by_mail == {True}:
        return _("The dispatch is authorised. The mails go out now.")
    if by_mail == {False}:
        return _("The dispatch is authorised. It now waits for a person: the page of each delivery says what to do.")
    return _("The dispatch is authorised. The mails go out now, and the rest waits for a person.")


@require_POST
@staff_page(access_send)
def waive(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a finding stand, as it was shown, for a reason."""
    key, facts, form = request.POST.get("finding", ""), request.POST.get("facts", ""), WaiverForm(request.POST)
    if not form.is_valid():
        return _page(request, find_dispatch(pk), status=422, waiving=Waiving(key, form))
    reason = form.cleaned_data["reason"]
    try:
        dispatches.waive(find_dispatch(pk), finding=key, facts=facts, reason=reason, by=staff(request))
    except dispatches.WaivedAlready as first:
        return _page(request, find_dispatch(pk), status=409, waiving=Waiving(key, form, first.waiver))
    except Overtaken:
        form.add_error(
            "reason", _("This is not what you looked at any more. Look at it as it is now, and send it again.")
        )
        return _page(request, find_dispatch(pk), status=409, waiving=Waiving(key, form))
    messages.success(request, _("It stands as it is; your name and reason are kept."))
    return redirect("desk:dispatch", pk=pk)


@require_POST
@staff_page(access_send)
def take_back_waiver(request: HttpRequest, pk: int) -> HttpResponse:
    """What was waived stands in the way again."""
    number = request.POST.get("waiver", "")
    waiver = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0
    return act(request, pk, partial(dispatches.take_back_waiver, waiver=waiver), _("The waiver is taken back."))


@require_POST
@staff_page(access_deliveries)
def put_together(request: HttpRequest, pk: int) -> HttpResponse:
    """Anew, unless somebody else has changed something since the page was shown."""
    verb = partial(dispatches.put_together, seen=request.POST.get("seen", ""))
    return act(request, pk, verb, _("Everything is put together anew, of today’s date."))


@require_POST
@staff_page(access_deliveries)
def dry_run(request: HttpRequest, pk: int) -> HttpResponse:
    return act(request, pk, dry_runs.ask, _("The dry run has begun. Nothing is sent."))


@require_POST
@staff_page(access_deliveries)
def exclude(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one recipient out, before anything is authorised."""
    delivery = get_object_or_404(Delivery.objects.select_related("dispatch"), pk=pk)

    def take_out(_found: Dispatch, *, by: User) -> None:
        dispatches.exclude(delivery, by=by)

    return act(request, delivery.dispatch_id, take_out, _("The recipient is taken out of this dispatch."))


def _page(
    request: HttpRequest,
    found: Dispatch,
    *,
    status: int = 200,
    seen: Facts | None = None,
    is_stale: bool = False,
    waiving: Waiving | None = None,
) -> HttpResponse:
    user = staff(request)
    is_prepared = found.status == DispatchStatus.PREPARED
    dossier = dossiers.of(found) if is_prepared else None
    looked = dossier.looked if dossier else Looked(found)
    standing = dossier.waivers if dossier else looked.standing
    may_send = may(user, access_send)
    is_preparer = found.prepared_by_id == user.pk
    context: dict[str, Any] = {
        "dispatch": found,
        "edition": found.edition,
        "letter": found.edition.letter,
        "dossier": dossier,
        "looked": looked,
        "deliveries": [_item(delivery, looked) for delivery in looked.deliveries],
        "letters": _letters(looked),
        "excluded": looked.excluded if is_prepared else [],
        "are_left_over": not is_prepared and may(user, access_campaign) and found.edition.left_over().exists(),
        "version": looked.versions[-1],
        "texts": _texts(looked),
        "certificates": sorted({file.certificate for file in looked.files} - {""}),
        "authority": authority_of(found.edition.signatures.all()),
        "all_by_mail": len(looked.mails) == len(looked.deliveries),
        "dry_run": looked.dry_run,
        "troubles": _troubles(looked),
        "waived": _named(looked, standing),
        "ended": _named(looked, [waiver for waiver in looked.waivers if waiver not in standing]),
        "may_follow": may(user, access_deliveries),
        "may_campaign": may(user, access_campaign),
        "may_send": may_send,
        "is_preparer": is_preparer,
        "sending_is_off": not switch.is_on(),
        "sender": looked.sender,
        "may_cancel": (may_send or is_preparer) and found.machine.allows(found.status, DispatchStatus.CANCELLED),
        "is_stale": is_stale,
        "is_held_back": _is_held_back(found, looked),
        "here": reverse("desk:dispatch", args=[found.pk]),
    }
    if dossier:
        context |= _before_it_goes(user, found, dossier, seen=seen, waiving=waiving)
    else:
        given = found.authorisations.select_related("by")
        context["authorisations"] = given.filter(void_since=None)
        context["void"] = given.exclude(void_since=None)
    if waiving and not any(item["form"].is_bound for item in context.get("open", [])):
        context["unsaved"] = {"said": waiving.said(), "reason": waiving.form["reason"].value()}
    return render(request, "desk/dispatch.html", context, status=status)


def _is_held_back(found: Dispatch, looked: Looked) -> bool:
    """Whether what has still to go can't, for somebody has left: the workers halt it however often it is resumed."""
    is_under_way = found.status in (DispatchStatus.AUTHORISED, DispatchStatus.SENDING, DispatchStatus.HALTED)
    waits = any(delivery.status in HELD for delivery in looked.deliveries)
    return is_under_way and waits and found.edition.names_someone_who_left


def _before_it_goes(
    user: User, found: Dispatch, dossier: Dossier, *, seen: Facts | None, waiving: Waiving | None
) -> dict[str, Any]:
    """Who has authorised, and what `user` has to look at: all of it, or only what changed."""
    given = list(found.authorisations.select_related("by").order_by("-pk"))
    holding = {authorisation.pk for authorisation in dispatches.holding(found, dossier.sha256)}
    mine = next((one for one in given if one.by_id == user.pk), None)
    since = seen or (mine.dossier if mine else None)
    return {
        "open": [_open(finding, waiving) for finding in dossier.open],
        "of_preparer": _standing(found, holding, [one for one in given if one.by_id == found.prepared_by_id]),
        "of_another": _standing(found, holding, [one for one in given if one.by_id != found.prepared_by_id]),
        "preparer_may": dispatches.may_authorise(found.prepared_by, found),
        "may_authorise": dispatches.may_authorise(user, found),
        "has_authorised": any(one.by_id == user.pk and one.pk in holding for one in given),
        "changes": dossier.changes_since(since) if since else [],
        "shown": signing.dumps(dossier.facts, salt=SALT, compress=True),
    }


def _standing(found: Dispatch, holding: set[int], given: list[Authorisation]) -> dict[str, Any] | None:
    """The one that holds; else the latest, which is void."""
    one = next((one for one in given if one.pk in holding), given[0] if given else None)
    if one is None:
        return None
    may_still = dispatches.may_authorise(one.by, found)
    return {"by": one.by, "at": one.at, "sha256": one.sha256, "holds": one.pk in holding, "may": may_still}


def _open(finding: Finding, waiving: Waiving | None) -> dict[str, Any]:
    """A finding, and the ways out of it."""
    taken_out = finding.about if finding.check.key in TAKE_OUT else ""
    is_typed = waiving is not None and finding.key == waiving.key and finding.check.is_waivable
    form = waiving.form if waiving and is_typed else WaiverForm()
    form.auto_id = f"{finding.slug}-%s"
    return {"finding": finding, "take_out": taken_out, "form": form}


def _item(delivery: Delivery, looked: Looked) -> dict[str, Any]:
    """A delivery with the files that go with it, and what is to be looked up where nobody knows what became of it."""
    wording = wording_of(delivery)
    files = {file.language: file for file in looked.files}
    carried = [files[frozen["language"]] for frozen in wording.files if frozen["language"] in files] if wording else []
    return {
        "delivery": delivery,
        "wording": wording,
        "files": carried,
        "stage": STAGES.get(delivery.stage, delivery.stage),
        "look_up": look_up(delivery) if delivery.status == DeliveryStatus.UNKNOWN else None,
    }


def _letters(looked: Looked) -> list[tuple[str, str]]:
    """The letter as text, by language: the same below each mail's own words, and shown once."""
    frozen = {delivery.language: wording.letter for delivery in looked.mails if (wording := wording_of(delivery))}
    return sorted(frozen.items())


def _texts(looked: Looked) -> list[dict[str, Any]]:
    """The text by language, and how far each translation follows the English one."""
    version = looked.versions[-1]
    return [
        {"code": code, "name": language_name(code), "sha256": digest(version.text(code)), "behind": parts}
        for code, parts in behind(looked.versions).items()
    ]


def _troubles(looked: Looked) -> list[tuple[str, str]]:
    """What the latest dry run found, by office."""
    offices = {delivery.pk: looked.office(delivery) for delivery in (*looked.deliveries, *looked.excluded)}
    found = looked.dry_run.differences if looked.dry_run else []
    return [(offices[one["delivery"]], str(dry_runs.Trouble(one["trouble"]).label)) for one in found]


def _named(looked: Looked, waivers: list[Waiver]) -> list[tuple[str, Waiver]]:
    """Each with what was waived, for the sentence was of that day."""
    return [(called(looked, waiver.finding), waiver) for waiver in waivers]


def _seen(request: HttpRequest) -> Facts | None:
    """The dossier that the button was under, for saying what has changed; it decides nothing."""
    try:
        seen: Facts = signing.loads(request.POST.get("shown", ""), salt=SALT)
    except signing.BadSignature:
        return None
    return seen
