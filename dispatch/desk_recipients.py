"""To whom a letter goes, by which way, and where else that office can be reached."""

from collections import defaultdict
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import access_campaign, access_deliveries, access_desk, may, staff, staff_page
from dispatch.desk_forms import FurtherAddressForm, RecipientForm
from dispatch.models import Delivery, FurtherAddress, Recipient
from dispatch.services import recipients as services
from letters.models import Letter


@require_safe
@staff_page(access_desk)
def recipients(request: HttpRequest, slug: str) -> HttpResponse:
    letter = get_object_or_404(Letter, slug=slug)
    found = list(letter.recipients.select_related("verified_by").prefetch_related("further_addresses"))
    context = {
        "letter": letter,
        "rows": list(zip(found, services.doubts(found), strict=True)),
        "may_campaign": may(staff(request), access_campaign),
        "may_follow": may(staff(request), access_deliveries),
        **_who_got_which(letter, found),
    }
    return render(request, "desk/recipients.html", context)


def _who_got_which(letter: Letter, recipients: list[Recipient]) -> dict[str, Any]:
    """A line a recipient, and in it the deliveries of each edition that anybody was sent."""
    got: dict[tuple[int, int], list[Delivery]] = defaultdict(list)
    for delivery in Delivery.objects.on_record().filter(edition__letter=letter).order_by("pk"):
        got[delivery.recipient_id, delivery.edition_id].append(delivery)
    editions = list(letter.editions.filter(pk__in={edition for _recipient, edition in got}).defer("content"))
    lines = [(row, [(edition, got.get((row.pk, edition.pk), [])) for edition in editions]) for row in recipients]
    return {"editions": editions, "lines": lines}


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(access_campaign)
def add(request: HttpRequest, slug: str) -> HttpResponse:
    letter = get_object_or_404(Letter, slug=slug)
    last = letter.recipients.order_by("order").values_list("order", flat=True).last() or 0
    new = Recipient(letter=letter, order=last + 1, kind=Recipient.Kind.TO if not last else Recipient.Kind.CC)
    return _edit(request, new)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(access_campaign)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _edit(request, _recipient(pk))


@require_POST
@staff_page(access_campaign)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    found = _recipient(pk)
    try:
        services.remove(found, by=staff(request))
        messages.success(request, _("The recipient is removed."))
    except services.InUse:
        messages.error(request, _("This recipient stands in a dispatch, so the record keeps it. Change it instead."))
        return redirect("desk:recipient", pk=pk)
    return redirect("desk:recipients", slug=found.letter.slug)


@require_POST
@staff_page(access_campaign)
def add_address(request: HttpRequest, pk: int) -> HttpResponse:
    found = _recipient(pk)
    form = FurtherAddressForm(request.POST)
    if not form.is_valid():
        return _page(request, found, RecipientForm(instance=found), form, status=422)
    services.add_address(found, by=staff(request), **form.cleaned_data)
    messages.success(request, _("The address is added. Nothing goes there until somebody decides so."))
    return redirect("desk:recipient", pk=pk)


@require_POST
@staff_page(access_campaign)
def verify_address(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(FurtherAddress.objects.select_related("recipient"), pk=pk)
    services.verify_address(found, by=staff(request))
    messages.success(request, _("It is written down that you have verified the address today."))
    return redirect(reverse("desk:recipient", args=[found.recipient_id]) + "#further")


@require_POST
@staff_page(access_campaign)
def remove_address(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(FurtherAddress.objects.select_related("recipient"), pk=pk)
    services.remove_address(found, by=staff(request))
    messages.success(request, _("The address is removed."))
    return redirect("desk:recipient", pk=found.recipient_id)


def _edit(request: HttpRequest, found: Recipient) -> HttpResponse:
    before = found.address
    form = RecipientForm(request.POST or None, instance=found)
    if form.is_valid():
        for column, text in form.columns().items():
            setattr(found, column, text)
        changed = found.address != before
        services.save(found, address_changed=changed, verified=form.cleaned_data["verified"], by=staff(request))
        messages.success(request, _("Saved. Editions that are cut already print what they printed."))
        return redirect("desk:recipients", slug=found.letter.slug)
    return _page(request, found, form, FurtherAddressForm(), status=422 if form.is_bound else 200)


def _page(
    request: HttpRequest, found: Recipient, form: RecipientForm, further: FurtherAddressForm, *, status: int
) -> HttpResponse:
    context: dict[str, Any] = {"letter": found.letter, "recipient": found, "form": form, "further": further}
    return render(request, "desk/recipient.html", context, status=status)


def _recipient(pk: int) -> Recipient:
    return get_object_or_404(Recipient.objects.select_related("letter", "verified_by"), pk=pk)
