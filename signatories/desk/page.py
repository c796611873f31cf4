"""One signature with all that speaks for and against it on one screen, and what staff do with it besides deciding."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.access import access_review, back, staff, staff_page
from accounts.models import User
from ledger.models import Event
from ledger.services import IllegalMove, Overtaken
from signatories import services
from signatories.authority import Grade
from signatories.desk.deciding import what_happened
from signatories.desk.queue import Filters, filters
from signatories.desk.rows import REASONS, Row, pieces, rows, shown
from signatories.forms import (
    AnnouncementForm,
    AssignForm,
    CallBackForm,
    KeptForm,
    NoteForm,
    PaperForm,
    QuestionForm,
    SpellingForm,
)
from signatories.models import Correction, Question, Signature
from signatories.queries import not_asked_by_mail
from signatories.services import consent, evidence
from signatories.states import SignatureStatus
from signatories.views.consent import version_shown

# What else the event log says of a signature, in our own words; an event of a word that is not here is not shown.
WITNESSED: dict[str, Promise] = {
    "assigned": gettext_lazy("Assigned"),
    "unassigned": gettext_lazy("Assigned to nobody"),
    "evidence": gettext_lazy("Evidence added"),
    "objected to": gettext_lazy("The organisation objected: this is not its signature"),
    "new link": gettext_lazy("A new link mailed; earlier ones now only withdraw"),
    "new secret": gettext_lazy("A new secret given; the earlier one no longer works"),
    "locked too": gettext_lazy("Access locked with another name’s"),
    "no more locked": gettext_lazy("Access no longer locked with another name’s"),
    "placed": gettext_lazy("Place in the list changed"),
    "kept": gettext_lazy("Kept under the new text"),
    "mail came back": gettext_lazy("A mail to the signatory came back"),
    "mail gets through": gettext_lazy("Mails to the signatory get through again"),
    "contact deleted": gettext_lazy("Contact deleted"),
}
RELATED = (
    "letter",
    "version",
    "organisation",
    "invitation__organisation",
    "recorded_by",
    "decided_by",
    "assigned_to",
)  # fmt: skip


@dataclass(frozen=True)
class Neighbours:
    """Where a signature stands in the queue as it is filtered, and what is before and after it."""

    number: int
    total: int
    previous: int | None
    next: int | None


@require_safe
@staff_page(access_review)
def signature(request: HttpRequest, pk: int) -> HttpResponse:
    """The evidence, the doubts, who did what; the decision at the right edge."""
    return _page(request, _get(pk))


@require_POST
@staff_page(access_review)
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Mail a question to the signer."""

    def do(found: Signature, form: QuestionForm) -> str:
        if shown(found) != request.POST.get("shown"):
            raise Overtaken
        services.ask(found, by=staff(request), text=form.cleaned_data["text"])
        return _("The question is being mailed. The signature waits for the answer.")

    return _do(request, pk, "ask", QuestionForm(request.POST), do)


@require_POST
@staff_page(access_review)
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """Write something down for other staff."""

    def do(found: Signature, form: NoteForm) -> str:
        services.note(found, by=staff(request), text=form.cleaned_data["text"])
        return _("The note is saved.")

    return _do(request, pk, "note", NoteForm(request.POST), do)


@require_POST
@staff_page(access_review)
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a signature to somebody, or to nobody."""

    def do(found: Signature, form: AssignForm) -> str:
        to: User | None = form.cleaned_data["to"]
        services.assign(found, to=to, by=staff(request))
        return _("Assigned to %(who)s.") % {"who": to} if to else _("Assigned to nobody.")

    return _do(request, pk, "assign", AssignForm(request.POST), do)


@require_POST
@staff_page(access_review)
def spell(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct the spelling of a name."""

    def do(found: Signature, form: SpellingForm) -> str:
        try:
            services.correct(found, changes=form.changes(), by=staff(request))
        except services.NothingChanged:
            return _("The names stand there like this already.")
        except services.NotStanding:
            raise Overtaken from None
        except services.SignedAlready:
            form.add_error(None, _("By this name, the same address has signed this letter already."))
            raise Refused from None
        return _("The spelling is corrected.")

    return _do(request, pk, "spell", SpellingForm(request.POST, signature=_get(pk)), do)


@require_POST
@staff_page(access_review)
def announcement(request: HttpRequest, pk: int) -> HttpResponse:
    """Evidence: the organisation said in public that it co-signs."""
    return _do(request, pk, "announcement", AnnouncementForm(request.POST), _adds(request, Grade.ANNOUNCEMENT))


@require_POST
@staff_page(access_review)
def call_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Evidence: staff asked the organisation itself."""
    return _do(request, pk, "call_back", CallBackForm(request.POST), _adds(request, Grade.CALL_BACK))


@require_POST
@staff_page(access_review)
def paper(request: HttpRequest, pk: int) -> HttpResponse:
    """Evidence: a signed paper is kept."""
    return _do(request, pk, "paper", PaperForm(request.POST), _adds(request, Grade.PAPER))


@require_POST
@staff_page(access_review)
def kept(request: HttpRequest, pk: int) -> HttpResponse:
    """The signer has told us that the signature holds for the new text."""

    def do(found: Signature, form: KeptForm) -> str:
        version = version_shown(request, found.letter)
        try:
            if version is None:
                raise services.Changed
            consent.keep_as_told(found, version=version, how=form.cleaned_data["text"], by=staff(request))
        except services.Changed:
            form.add_error(None, _("The text has changed again meanwhile. Ask about the text as it is now."))
            raise Refused from None
        except services.AlreadyApproved:
            form.add_error(None, _("The organisation stands under the letter by another signature already."))
            raise Refused from None
        except services.NotStanding:
            raise Overtaken from None
        return _("The signature is kept under version %(number)d.") % {"number": version.number}

    return _do(request, pk, "kept", KeptForm(request.POST), do)


@require_POST
@staff_page(access_review)
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask a question no longer."""
    question = get_object_or_404(Question.objects.select_related("signature__letter"), pk=pk)
    try:
        services.take_back_question(question, by=staff(request))
        messages.success(request, _("The question is taken back. The signature waits for your decision."))
    except Overtaken:
        messages.warning(request, _("There was nothing to take back: the question has been answered meanwhile."))
    return redirect(back(request, reverse("desk:signature", args=[question.signature_id])))


@require_POST
@staff_page(access_review)
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the signature say what its signer asks for."""

    def decide(correction: Correction) -> None:
        services.accept_correction(correction, by=staff(request))
        messages.success(request, _("The correction is accepted."))

    return _decide_correction(request, pk, decide)


@require_POST
@staff_page(access_review)
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    """Leave everything as it is, and tell the signer."""

    def decide(correction: Correction) -> None:
        services.decline_correction(correction, by=staff(request))
        messages.success(request, _("The correction is declined. The signatory is being told."))

    return _decide_correction(request, pk, decide)


def _decide_correction(request: HttpRequest, pk: int, decide: Callable[[Correction], None]) -> HttpResponse:
    correction = get_object_or_404(Correction.objects.select_related("signature__letter"), pk=pk)
    try:
        if correction.made_at.isoformat() != request.POST.get("shown"):
            raise Overtaken
        decide(correction)
    except services.SignedAlready:
        messages.error(request, _("By this name, the same address has signed this letter already."))
    except (Overtaken, IllegalMove, services.NotStanding):
        messages.warning(request, _("This correction is not what it was. Look at it again."))
    return redirect(back(request, reverse("desk:signature", args=[correction.signature_id])))


class Refused(Exception):
    """The form says why."""


def _adds(request: HttpRequest, grade: Grade) -> Callable[[Signature, Any], str]:
    def do(found: Signature, form: forms.Form) -> str:
        evidence.add_evidence(found, grade=grade, by=staff(request), **form.cleaned_data)
        return _("The evidence is added.")

    return do


def _do(request: HttpRequest, pk: int, name: str, form: Any, do: Callable[[Signature, Any], str]) -> HttpResponse:
    """Do what a form asks for and go back to the page, or show the form again with what was typed."""
    found = _get(pk)
    if not form.is_valid():
        return _page(request, found, status=422, **{name: form})
    try:
        messages.success(request, do(found, form))
    except Refused:
        return _page(request, found, status=422, **{name: form})
    except (Overtaken, IllegalMove):
        messages.warning(request, what_happened(Signature.objects.select_related("decided_by").get(pk=pk)))
    return redirect(back(request, reverse("desk:signature", args=[pk])))


def _get(pk: int) -> Signature:
    found: Signature = get_object_or_404(Signature.objects.select_related(*RELATED), pk=pk)
    return found


def _page(request: HttpRequest, found: Signature, *, status: int = 200, **bound: forms.Form) -> HttpResponse:
    asked = filters(request)
    (row,) = rows([found])
    beside = _neighbours(asked, found)
    context = {
        "row": row,
        "signature": found,
        "filters": asked,
        "beside": beside,
        "here": _address(found.pk, asked),
        **_renewal(found),
        "then": _address(beside.next or beside.previous, asked) if beside else "",
        "reasons": REASONS,
        **_forms(found, bound),
        **_beside(row),
    }
    return render(request, "desk/signature.html", context, status=status)


def _renewal(found: Signature) -> dict[str, Any]:
    """Whether the meaning of the text has changed since; if the signature can be kept, under which version."""
    binding_number = found.letter.binding_number
    if found.version.number >= binding_number:
        return {}
    binding = found.letter.versions.get(number=binding_number)
    return {
        "is_behind": True,
        "newest": found.letter.version if found.status in services.STANDING else None,
        "keep_until": binding.keep_until,
        "lapses": found.status == SignatureStatus.APPROVED,
        "is_asked_by_mail": not not_asked_by_mail(binding).filter(pk=found.pk).exists(),
    }


def _forms(found: Signature, bound: dict[str, forms.Form]) -> dict[str, forms.Form]:
    unbound: dict[str, forms.Form] = {
        "ask": QuestionForm(),
        "note": NoteForm(),
        "assign": AssignForm(initial={"to": found.assigned_to_id}),
        "spell": SpellingForm(signature=found),
        "announcement": AnnouncementForm(),
        "call_back": CallBackForm(),
        "paper": PaperForm(),
        "kept": KeptForm(),
    }
    shown_forms = {f"{name}_form": form for name, form in {**unbound, **bound}.items()}
    for name, form in shown_forms.items():
        form.auto_id = f"id_{name.removesuffix('_form')}-%s"  # several on one page have a field of one name
    shown_forms["ask_form"].fields["text"].widget.attrs |= {"data-key": "q", "lang": found.language}
    shown_forms["note_form"].fields["text"].widget.attrs["data-key"] = "n"
    return shown_forms


def _beside(row: Row) -> dict[str, Any]:
    """What stands beside a signature: why we believe it, what was asked, noted and corrected, and its history."""
    found = row.signature
    corrections = list(found.corrections.select_related("made_by", "decided_by"))
    return {
        "evidence": [(Grade(item.grade), item) for item in found.evidence.select_related("by")],
        "known_as": _known_as(found),
        "questions": found.questions.select_related("asked_by"),
        "notes": found.notes.select_related("by"),
        "corrections": [(correction, list(_changes(correction))) for correction in corrections],
        "history": _history(found, corrections),
        "names": [(code, pieces(name)) for code, name in row.other_names],
    }


def _known_as(found: Signature) -> dict[str, Any] | None:
    """The registry's record, if there is one."""
    organisation = evidence.organisation_of(found)
    if organisation is None:
        return None
    stated = [getattr(organisation, f"name_{code}") for code in settings.SHIPPED_LANGUAGES]
    aliases = [alias.name for alias in organisation.aliases.all()]
    return {
        "organisation": organisation,
        "names": list(dict.fromkeys(name for name in (*stated, *aliases) if name)),
        "mandated": organisation.mandated_signers.count(),
        "signed": organisation.signatures.exclude(letter=found.letter_id).approved().count(),
    }


def _changes(correction: Correction) -> Iterable[tuple[str, str, str]]:
    """What a correction changes: the column in words, before, after."""
    changes: Any = correction.changes
    for column, (before, after) in changes.items():
        field = Signature._meta.get_field(column)
        label = str(getattr(field, "verbose_name", column))
        language = column.removeprefix("name_")
        yield f"{label} ({language})" if language != column else label, before, after


def _history(found: Signature, corrections: list[Correction]) -> list[tuple[datetime, str, User | None]]:
    """Everything that happened to a signature, the latest last."""
    labels = {**dict(SignatureStatus.choices), **WITNESSED}
    events = Event.objects.about(found).select_related("by")
    known = [(event.at, str(labels[event.target]), event.by) for event in events if event.target in labels]
    made = [(item.made_at, _("Correction made") if item.made_by else _("Correction asked for"), item.made_by)
            for item in corrections]  # fmt: skip
    decided = [
        (item.decided_at, item.get_status_display(), item.decided_by)
        for item in corrections
        if item.decided_at and not item.made_by
    ]
    return sorted([*known, *made, *decided], key=lambda line: line[0])


def _neighbours(asked: Filters, found: Signature) -> Neighbours | None:
    queue = list(asked.found().values_list("pk", flat=True))
    if found.pk not in queue:
        return None
    at = queue.index(found.pk)
    following = queue[at + 1] if at + 1 < len(queue) else None
    return Neighbours(number=at + 1, total=len(queue), previous=queue[at - 1] if at else None, next=following)


def _address(pk: int | None, asked: Filters) -> str:
    address = reverse("desk:signature", args=[pk]) if pk else reverse("desk:home")
    return f"{address}?{asked.query}" if asked.query else address
