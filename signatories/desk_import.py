"""Tables of signatures at the desk: uploaded and looked through, imported or dropped, and taken away."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import filesizeformat
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import access_campaign, staff, staff_page
from accounts.uploads import keep_in_memory
from ledger.services import IllegalMove, Overtaken
from letters.models import Letter
from signatories.models import Import, Signature
from signatories.services import importing
from signatories.services.exporting import KINDS, export
from signatories.states import ImportStatus, SignatureStatus
from signatories.tables import COLUMNS, MAX_BYTES, Unreadable

LISTED = 20
TOO_LARGE = gettext_lazy("The file is larger than %(limit)s. Divide it.")
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class TableForm(forms.Form):
    table = forms.FileField(
        label=gettext_lazy("The table: CSV or XLSX"),
        allow_empty_file=True,
        error_messages={"required": gettext_lazy("Choose a file.")},
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
    )


class ImportForm(forms.Form):
    visibility = forms.ChoiceField(
        choices=[
            (Signature.Visibility.WITHHELD, gettext_lazy("Withhold these names")),
            (Signature.Visibility.PUBLIC, gettext_lazy("Publish these names: each of them has agreed to it")),
        ],
        widget=forms.RadioSelect,
    )


@csrf_exempt  # here only: the length is looked at before the token, for to find the token is to read it all
@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(access_campaign)
def tables(request: HttpRequest, slug: str) -> HttpResponse:
    """The tables of a letter: those that came, the form for the next one, and buttons to take one away."""
    letter: Letter = get_object_or_404(Letter, slug=slug)
    if request.method == "POST" and not keep_in_memory(request, limit=MAX_BYTES):
        form = TableForm(files=MultiValueDict())
        form.errors["table"] = form.error_class([TOO_LARGE % {"limit": filesizeformat(MAX_BYTES)}])
        return _tables(request, letter, form, status=413)
    return _receive(request, letter)


@csrf_protect
def _receive(request: HttpRequest, letter: Letter) -> HttpResponse:
    form = TableForm(files=request.FILES) if request.method == "POST" else TableForm()
    if form.is_valid():
        try:
            upload = importing.receive(letter, form.cleaned_data["table"].file, by=staff(request))
            return redirect("desk:import", pk=upload.pk)
        except Unreadable as error:
            form.add_error("table", str(error))
    return _tables(request, letter, form, status=422 if form.errors else 200)


def _tables(request: HttpRequest, letter: Letter, form: TableForm, *, status: int) -> HttpResponse:
    imports = letter.imports.defer("content").select_related("made_by")[:LISTED]
    context = {"letter": letter, "form": form, "imports": imports, "columns": COLUMNS, "limit": MAX_BYTES}
    return render(request, "desk/tables.html", context, status=status)


@require_safe
@staff_page(access_campaign)
def found(request: HttpRequest, pk: int) -> HttpResponse:
    """What was found in a table, and what has become of it."""
    return _found(request, _import(pk))


@require_POST
@staff_page(access_campaign)
def begin(request: HttpRequest, pk: int) -> HttpResponse:
    """Import it."""
    upload, form = _import(pk), ImportForm(request.POST)
    survey = importing.survey_of(upload)
    if survey.problem_count or not survey.new or not (form.is_valid() or not survey.unsaid):
        return _found(request, upload, form=form, status=422)
    visibility = form.cleaned_data.get("visibility") or Signature.Visibility.WITHHELD
    return _done(request, upload, lambda: importing.begin(upload, by=staff(request), visibility=visibility))


@require_POST
@staff_page(access_campaign)
def drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep nothing of it."""
    upload = _import(pk)
    return _done(request, upload, lambda: importing.drop(upload, by=staff(request)))


@require_POST
@staff_page(access_campaign)
def take_away(request: HttpRequest, slug: str) -> HttpResponseBase:
    """All signatures of a letter as a file. A button, since who took it is written down."""
    letter = get_object_or_404(Letter, slug=slug)
    kind = request.POST.get("kind", "")
    if kind not in KINDS:
        messages.error(request, _("Choose CSV or XLSX."))
        return redirect("desk:tables", slug=slug)
    pieces = export(letter, kind, by=staff(request))
    headers = {"Content-Disposition": f'attachment; filename="{letter.slug}.{kind}"'}
    return StreamingHttpResponse(pieces, content_type=CONTENT_TYPES[kind], headers=headers)


def _import(pk: int) -> Import:
    upload: Import = get_object_or_404(Import.objects.select_related("letter", "made_by"), pk=pk)
    return upload


def _done(request: HttpRequest, upload: Import, act: Any) -> HttpResponse:
    try:
        act()
    except (Overtaken, IllegalMove):
        messages.warning(request, _("That has been decided already."))
    return redirect("desk:import", pk=upload.pk)


def _found(request: HttpRequest, upload: Import, *, form: ImportForm | None = None, status: int = 200) -> HttpResponse:
    survey = importing.survey_of(upload)
    names = dict(SignatureStatus.choices)
    context = {
        "letter": upload.letter,
        "upload": upload,
        "survey": survey,
        "states": [(names[state], count) for state, count in survey.states.items()],
        "unconfirmed": survey.states.get(SignatureStatus.UNCONFIRMED, 0),
        "unshown": survey.problem_count - len(survey.problems),
        "can_be_imported": upload.status == ImportStatus.CHECKED and survey.new and not survey.problem_count,
        "is_at_work": upload.status in (ImportStatus.UPLOADED, ImportStatus.QUEUED),
        "form": form or ImportForm(),
        "version": upload.letter.versions.last(),
    }
    return render(request, "desk/import.html", context, status=status)
