"""The registry goes out as a table, and comes in as one."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import access_review, staff, staff_page
from signatories import registry_tables
from signatories.tables import Unreadable, csv_pieces, xlsx_pieces

KINDS = {
    "csv": (csv_pieces, "text/csv; charset=utf-8"),
    "xlsx": (xlsx_pieces, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


class TableForm(forms.Form):
    """A file from somebody's spreadsheet."""

    file = forms.FileField(
        label=gettext_lazy("CSV or XLSX file"),
        error_messages={
            "required": gettext_lazy("Choose a file."),
            "empty": gettext_lazy("The file is empty."),
            "invalid": gettext_lazy("Choose a file."),
        },
    )


@require_safe
@staff_page(access_review)
def export_table(request: HttpRequest, form: str) -> HttpResponse:
    """Everything but the mandates."""
    if form not in KINDS:
        raise Http404
    pieces, content_type = KINDS[form]
    written = b"".join(pieces(registry_tables.COLUMNS, registry_tables.rows()))
    response = HttpResponse(written, content_type=content_type)
    name = f"organisations-{timezone.now().date().isoformat()}.{form}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(access_review)
def import_table(request: HttpRequest) -> HttpResponse:
    """First looked at, then taken in; all or nothing."""
    is_sent = request.method == "POST"
    form = TableForm(request.POST, request.FILES) if is_sent else TableForm()
    keep = request.POST.get("step") == "import"
    outcome = None
    if form.is_valid():
        try:
            outcome = registry_tables.read(form.cleaned_data["file"], by=staff(request), keep=keep)
        except Unreadable as unreadable:
            form.add_error("file", str(unreadable))
    if outcome and keep and not outcome.problems:
        text = _("The table is imported. New: %(added)d. Changed: %(changed)d. As before: %(same)d.")
        counts = {"added": outcome.added, "changed": outcome.changed, "same": outcome.same}
        messages.success(request, text % counts)
        return redirect("desk:organisations")
    wrong = bool(form.errors or (outcome and outcome.problems))
    context = {"form": form, "outcome": outcome, "columns": registry_tables.COLUMNS}
    return render(request, "desk/import_organisations.html", context, status=422 if wrong else 200)
