"""The stop switch at the desk: whether letters leave the site, who said so, and what was in flight."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import access_deliveries, access_desk, access_send, fresh_login, may, staff, staff_page
from accounts.access import to_fresh_login as ask_who_it_is
from accounts.freshness import is_fresh
from accounts.models import User
from dispatch.desk import CHANGED
from dispatch.desk_forms import StopForm, TurnOnForm
from dispatch.models import Channel, Delivery, Dispatch, Host, Switch
from dispatch.services import switch
from dispatch.states import DeliveryStatus, DispatchStatus, HostStatus
from ledger.services import Overtaken

TYPED = "switch_reason"  # what somebody wrote who was then asked who it is


@require_safe
@staff_page(access_desk)
def sending(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
@staff_page(access_send)
def stop(request: HttpRequest) -> HttpResponse:
    """At once, whoever may send: nobody is asked for anything."""
    form = StopForm(request.POST)
    switch.stop(by=staff(request), reason=form.reason_if_fit())
    messages.success(request, _("Sending is stopped. Whatever was not yet handed over stays here."))
    return redirect("desk:sending")


@require_POST
@staff_page(access_send)
def turn_on(request: HttpRequest) -> HttpResponse:
    """By somebody who has just signed in and has seen how things stand."""
    found = switch.current()
    if not is_fresh(request):
        request.session[TYPED] = request.POST.get("reason", "")[:300]
        return ask_who_it_is(request, reverse("desk:sending"))
    form = TurnOnForm(request.POST, after_restore=found.is_after_restore)
    if not form.is_valid():
        return _page(request, form=form)
    try:
        if request.POST.get("as_of") != as_of(found):
            raise Overtaken
        switch.turn_on(by=staff(request), reason=form.cleaned_data["reason"], hosts=_hosts(request.POST))
        request.session.pop(TYPED, None)
        messages.success(request, _("Sending is on."))
    except Overtaken:
        messages.error(request, str(CHANGED))
    return redirect("desk:sending")


@require_POST
@staff_page(access_send)
@fresh_login
def admit(request: HttpRequest) -> HttpResponse:
    switch.admit(_hosts(request.POST), by=staff(request))
    messages.success(request, _("They may send now."))
    return redirect("desk:sending")


def how_it_stands(user: User) -> dict[str, Any]:
    """For the block that tells it on any page."""
    found = switch.current()
    return {
        "switch": found,
        "is_sending": switch.is_on(),
        "is_locked": not settings.SENDING_ENABLED,
        "may_send": may(user, access_send),
        "hosts_waiting": Host.objects.filter(status=HostStatus.WAITING).count(),
    }


def as_of(found: Switch) -> str:
    """Which turn of the switch a page was shown at."""
    return f"{found.status} {found.turned_at} {found.knew_until}"


def _page(request: HttpRequest, *, form: TurnOnForm | None = None) -> HttpResponse:
    stands = how_it_stands(staff(request))
    found: Switch = stands["switch"]
    known = Delivery.objects.select_related("recipient", "edition__letter").defer("edition__content")
    typed = {"reason": request.session.get(TYPED, "")}
    context = {
        **stands,
        "as_of": as_of(found),
        "form": form or TurnOnForm(initial=typed, after_restore=found.is_after_restore),
        "stop_form": StopForm(),
        "hosts": Host.objects.all(),
        "in_flight": known.filter(status__in=switch.IN_HAND),
        "were_in_flight": known.filter(pk__in=found.in_flight).exclude(status__in=switch.IN_HAND),
        "dispatches": _waiting(),
        "may_follow": may(staff(request), access_deliveries),
    }
    return render(request, "desk/sending.html", context, status=422 if form else 200)


def _waiting() -> Any:
    """Dispatches with mails that go out as soon as they may."""
    by_mail = Q(deliveries__channel=Channel.EMAIL)
    still = Q(deliveries__status__in=(DeliveryStatus.QUEUED, DeliveryStatus.DEFERRED))
    going = Dispatch.objects.filter(status__in=(DispatchStatus.AUTHORISED, DispatchStatus.SENDING))
    counted = going.annotate(waiting=Count("deliveries", filter=by_mail & still)).filter(waiting__gt=0)
    return counted.select_related("edition__letter").defer("edition__content")


def _hosts(posted: QueryDict) -> list[int]:
    return [int(pk) for pk in posted.getlist("host")[:1000] if pk.isascii() and pk.isdigit() and len(pk) < 19]
