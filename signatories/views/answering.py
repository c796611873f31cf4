"""The page on which a signer answers what staff asked."""

from contextlib import suppress

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from ledger.services import Overtaken
from signatories import services
from signatories.forms import AnswerForm
from signatories.models import Question, Signature
from signatories.states import SignatureStatus
from signatories.views.pages import about, by_link, locked, may_see, page, shut


@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """The question, a field and a button. Of what was asked and answered before, the page says only that it was."""
    signature = by_link("answer", token)
    if signature is None:
        return page(request, "invalid", status=404)
    if signature.is_locked:
        return locked(request, signature)
    if not may_see(request, signature):
        return shut(request, signature)
    question = _open_question(signature)
    if question is None:
        return page(request, "answered", last=signature.questions.last(), **about(signature))
    form = AnswerForm(request.POST if request.method == "POST" else None)
    is_other = form.is_bound and request.POST.get("question") != str(question.pk)
    if form.is_valid() and not is_other:
        return _answered(request, question, form.cleaned_data["text"])
    status = 409 if is_other else 422 if form.is_bound else 200
    return page(request, "answer", status=status, question=question, form=form, is_other=is_other, **about(signature))


def _answered(request: HttpRequest, question: Question, text: str) -> HttpResponse:
    with suppress(Overtaken):  # taken back or answered at this moment: the page says so
        services.answer(question, text=text)
    return redirect(request.path)


def _open_question(signature: Signature) -> Question | None:
    if signature.status != SignatureStatus.ASKED:
        return None
    return signature.questions.select_related("signature__letter").filter(answered_at=None).first()
