"""The registry of organisations: found, entered, changed, and two records made one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.forms import Form
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import access_review, staff, staff_page
from ledger.models import Event
from ledger.services import Overtaken
from signatories.countries import country_name
from signatories.forms.registry import AliasForm, LogoForm, MandateForm, OrganisationForm, other_languages
from signatories.models import Alias, MandatedSigner, Organisation, Signature
from signatories.services import registry
from signatories.services.inviting import own_name
from signatories.states import OrganisationStatus

A_PAGE = 100
CANDIDATES = 30

# What the history says of each event.
HAPPENED: dict[str, Promise] = {
    OrganisationStatus.KNOWN: pgettext_lazy("history", "Access unlocked"),
    OrganisationStatus.LOCKED: pgettext_lazy("history", "Access locked"),
    OrganisationStatus.MERGED: pgettext_lazy("history", "Merged into another record"),
    "entered": pgettext_lazy("history", "Entered into the registry"),
    "changed": pgettext_lazy("history", "Changed"),
    "name added": pgettext_lazy("history", "Another name added"),
    "name removed": pgettext_lazy("history", "Another name removed"),
    "mandate added": pgettext_lazy("history", "Mandate added"),
    "mandate ended": pgettext_lazy("history", "Mandate ended"),
    "merged with": pgettext_lazy("history", "Another record merged into this one"),
    "logo": pgettext_lazy("history", "Logo changed"),
    "imported": pgettext_lazy("history", "Changed by an import"),
}


@dataclass(frozen=True)
class Past:
    """A line of the history; `of` names the record that was merged, where it is not this one's own."""

    event: Event
    words: str
    of: str


@require_safe
@staff_page(access_review)
def organisations(request: HttpRequest) -> HttpResponse:
    """Everybody in the registry, or those that were searched for."""
    query, only = request.GET.get("q", ""), request.GET.get("only", "")
    listed = registry.search(Organisation.objects.live(), query)
    if only == "members":
        listed = listed.filter(member_since__isnull=False)
    elif only == "locked":
        listed = listed.filter(status=OrganisationStatus.LOCKED)
    page = Paginator(listed.annotate(signed=Count("signatures", distinct=True)), A_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "page": page,
        "rows": [(organisation, own_name(organisation), _country(organisation)) for organisation in page],
        "q": query,
        "only": only,
        "query": urlencode({name: value for name, value in (("q", query), ("only", only)) if value}),
        "filters": FILTERS,
    }
    return render(request, "desk/organisations.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(access_review)
def add(request: HttpRequest) -> HttpResponse:
    """Enter an organisation."""
    form = OrganisationForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            organisation = registry.add(form.stated(), by=staff(request))
        except registry.KnownAlready as known:
            _say_known(form, known)
        else:
            messages.success(request, _("“%(name)s” is in the registry.") % {"name": own_name(organisation)})
            return redirect("desk:organisation", pk=organisation.pk)
    return _form(request, form, None)


@require_safe
@staff_page(access_review)
def organisation(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything that is known of an organisation."""
    return _page(request, _found(pk))


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(access_review)
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Hold something else of it."""
    found = _found(pk)
    if found.merged_into:
        return redirect("desk:organisation", pk=pk)
    held = OrganisationForm.held(found)
    form = OrganisationForm(request.POST if request.method == "POST" else None, initial=held)
    if form.is_valid():
        try:
            registry.change(found, form.stated(), by=staff(request))
        except registry.KnownAlready as known:
            _say_known(form, known)
        except Overtaken:
            return _was_merged(request, pk)
        else:
            messages.success(request, _("“%(name)s” is changed.") % {"name": own_name(found)})
            return redirect("desk:organisation", pk=pk)
    return _form(request, form, found)


@require_POST
@staff_page(access_review)
def add_alias(request: HttpRequest, pk: int) -> HttpResponse:
    found, form = _found(pk), AliasForm(request.POST)
    if not form.is_valid():
        return _page(request, found, alias_form=form, status=422)
    text = _("“%(name)s” is found by this name, too.") % {"name": own_name(found)}
    return _done(request, pk, lambda: registry.add_alias(found, **form.cleaned_data, by=staff(request)), text)


@require_POST
@staff_page(access_review)
def remove_alias(request: HttpRequest, pk: int) -> HttpResponse:
    alias = get_object_or_404(Alias.objects.select_related("organisation"), pk=pk)
    text = _("The name “%(name)s” is removed.") % {"name": alias.name}
    return _done(request, alias.organisation_id, lambda: registry.remove_alias(alias, by=staff(request)), text)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(access_review)
def logo(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The picture itself; the button puts another one in its place."""
    found = _found(pk)
    if request.method != "POST":
        if not found.logo:
            raise Http404
        return FileResponse(found.logo.open(), content_type="image/png")
    form = LogoForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, found, logo_form=form, status=422)
    text = _("The logo is changed.")
    return _done(request, pk, lambda: registry.set_logo(found, form.cleaned_data["logo"], by=staff(request)), text)


@require_POST
@staff_page(access_review)
def remove_logo(request: HttpRequest, pk: int) -> HttpResponse:
    found, text = _found(pk), _("The logo is removed.")
    return _done(request, pk, lambda: registry.set_logo(found, b"", by=staff(request)), text)


@require_POST
@staff_page(access_review)
def add_mandate(request: HttpRequest, pk: int) -> HttpResponse:
    found, form = _found(pk), MandateForm(request.POST, auto_id="mandate_%s")
    if not form.is_valid():
        return _page(request, found, mandate_form=form, status=422)
    text = _("The mandate is recorded.")
    return _done(request, pk, lambda: registry.add_mandate(found, **form.cleaned_data, by=staff(request)), text)


@require_POST
@staff_page(access_review)
def end_mandate(request: HttpRequest, pk: int) -> HttpResponse:
    mandate = get_object_or_404(MandatedSigner.objects.select_related("organisation"), pk=pk)
    text = _("The mandate has ended. What was signed under it stays.")
    return _done(request, mandate.organisation_id, lambda: registry.end_mandate(mandate, by=staff(request)), text)


@require_safe
@staff_page(access_review)
def merge_with(request: HttpRequest, pk: int) -> HttpResponse:
    """Which other record is this organisation's, too? Those that meet it by name, or what is searched for."""
    found = _found(pk)
    if found.merged_into:
        return redirect("desk:organisation", pk=pk)
    query = request.GET.get("q", "")
    others = registry.search(Organisation.objects.live(), query) if query.strip() else registry.alike(found)
    rows = [(other, own_name(other), _country(other)) for other in others.exclude(pk=pk)[:CANDIDATES]]
    context = {"organisation": found, "name": own_name(found), "rows": rows, "q": query}
    return render(request, "desk/merge_with.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(access_review)
def merge(request: HttpRequest, pk: int, other: int) -> HttpResponse:
    """Both side by side; the button says which one stays."""
    pair = {row.pk: row for row in (_found(pk), _found(other))}
    if pk == other or any(row.merged_into for row in pair.values()):
        return _was_merged(request, pk)
    if request.method == "POST":
        stays = pair.get(_number(request.POST.get("stays", "")))
        if stays:
            (goes,) = (row for row in pair.values() if row != stays)
            return _merge(request, goes, stays)
        messages.error(request, _("Choose the record that stays."))
    return _pair(request, list(pair.values()))


def _merge(request: HttpRequest, goes: Organisation, stays: Organisation) -> HttpResponse:
    try:
        registry.merge(goes, into=stays, by=staff(request))
    except registry.BothApproved as both:
        text = _("Both stand approved under “%(letter)s”. Reject one of the two signatures there first.")
        for letter in both.letters:
            messages.error(request, text % {"letter": letter.title})
        return redirect("desk:merge", pk=stays.pk, other=goes.pk)
    except Overtaken:
        return _was_merged(request, stays.pk)
    text = _("“%(goes)s” is merged into “%(stays)s”.")
    messages.success(request, text % {"goes": own_name(goes), "stays": own_name(stays)})
    return redirect("desk:organisation", pk=stays.pk)


def _pair(request: HttpRequest, pair: Sequence[Organisation]) -> HttpResponse:
    both = registry.both_approved(*pair)
    context = {"sides": [_side(row) for row in pair], "both_approved": both, "organisation": pair[0]}
    return render(request, "desk/merge.html", context, status=409 if both else 200)


def _side(found: Organisation) -> dict[str, Any]:
    """What would move."""
    return {
        "organisation": found,
        "name": own_name(found),
        "country": _country(found),
        "names": _names(found),
        "aliases": [alias.name for alias in found.aliases.all()],
        "signatures": _signatures(found),
        "mandates": found.mandated_signers.count(),
        "invitations": found.invitations.count(),
    }


def _page(
    request: HttpRequest,
    found: Organisation,
    *,
    alias_form: AliasForm | None = None,
    mandate_form: MandateForm | None = None,
    logo_form: LogoForm | None = None,
    status: int = 200,
) -> HttpResponse:
    today = Event._meta.get_field("at").default().date()
    context = {
        "organisation": found,
        "name": own_name(found),
        "names": _names(found),
        "country": _country(found),
        "aliases": found.aliases.all(),
        "mandates": [(mandate, mandate.holds(today)) for mandate in found.mandated_signers.select_related("added_by")],
        "signatures": _signatures(found),
        "history": _history(found),
        "merged": [(row, own_name(row)) for row in found.merged.all()],
        "into": own_name(found.merged_into) if found.merged_into else "",
        "alias_form": alias_form or AliasForm(),
        "logo_form": logo_form or LogoForm(),
        "mandate_form": mandate_form or MandateForm(auto_id="mandate_%s"),
    }
    return render(request, "desk/organisation.html", context, status=status)


def _form(request: HttpRequest, form: OrganisationForm, found: Organisation | None) -> HttpResponse:
    context = {"form": form, "organisation": found, "name": own_name(found) if found else ""}
    return render(request, "desk/organisation_form.html", context, status=422 if form.is_bound else 200)


def _found(pk: int) -> Organisation:
    found: Organisation = get_object_or_404(Organisation.objects.select_related("merged_into"), pk=pk)
    return found


def _signatures(found: Organisation) -> list[Signature]:
    return list(found.signatures.select_related("letter").order_by("-signed_at"))


def _names(found: Organisation) -> list[tuple[str, str]]:
    stated = ((code, getattr(found, f"name_{code}")) for code in other_languages())
    return [(code, name) for code, name in stated if name]


def _country(found: Organisation) -> str:
    return country_name(found.country, get_language() or "en")


def _history(found: Organisation) -> list[Past]:
    """Its own and that of every record that was merged into it, the latest first."""
    names = {row.pk: own_name(row) for row in found.merged.all()}
    events = Event.objects.filter(table=Organisation._meta.label_lower, row__in=[found.pk, *names])
    return [
        Past(event, str(HAPPENED.get(_what(event), event.target)), names.get(event.row, ""))
        for event in events.select_related("by").order_by("-pk")
    ]


def _what(event: Event) -> str:
    return "entered" if event.target == OrganisationStatus.KNOWN and not event.source else event.target


def _done(request: HttpRequest, pk: int, act: Callable[[], object], text: str) -> HttpResponse:
    try:
        act()
    except Overtaken:
        return _was_merged(request, pk)
    messages.success(request, text)
    return redirect("desk:organisation", pk=pk)


def _was_merged(request: HttpRequest, pk: int) -> HttpResponse:
    messages.warning(request, _("This record was merged into another one. Look at that one."))
    return redirect("desk:organisation", pk=pk)


def _say_known(form: Form, known: registry.KnownAlready) -> None:
    text = _("“%(name)s” in this country is in the registry already: %(address)s")
    address = reverse("desk:organisation", args=[known.organisation.pk])
    form.add_error("name", text % {"name": own_name(known.organisation), "address": address})


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


FILTERS = (
    ("", pgettext_lazy("organisations", "All")),
    ("members", pgettext_lazy("organisations", "Members of the coalition")),
    ("locked", pgettext_lazy("organisations", "Access locked")),
)
