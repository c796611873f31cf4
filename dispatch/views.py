"""The PDFs that everyone may have: the sealed bytes, and nothing in place of those that may not be shown any more."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language
from django.views.decorators.http import condition, require_safe

from dispatch.models import Edition, EditionFile
from dispatch.services.editions import sealed_bytes
from letters.models import Letter
from publishing.pages import in_each_language


@require_safe
def latest_pdf(request: HttpRequest, slug: str) -> HttpResponse:
    """The latest sealed edition, in the language of the address."""
    letter = get_object_or_404(Letter.objects.public(), slug=slug)
    edition = letter.editions.public().first()
    if edition is None:
        raise Http404
    return _pdf(request, edition)


@require_safe
def edition_pdf(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    letter = get_object_or_404(Letter.objects.public(), slug=slug)
    return _pdf(request, get_object_or_404(letter.editions.public(), number=number))


def _pdf(request: HttpRequest, edition: Edition) -> HttpResponse:
    """The file in the reader's language; 410 where a name in it was taken back since."""
    if edition.names_someone_who_left:
        return _gone(request, edition)
    file = get_object_or_404(edition.files, language=get_language())

    @condition(etag_func=lambda request: f'"{file.sha256}"')
    def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse(sealed_bytes(file), content_type="application/pdf", headers=_headers(file))

    response = answer(request)
    response["Cache-Control"] = "no-cache"
    return response


def _headers(file: EditionFile) -> dict[str, str]:
    return {
        "Content-Disposition": f'inline; filename="letter-{file.language}.pdf"',
        "Content-Language": file.language,
    }


def _gone(request: HttpRequest, edition: Edition) -> HttpResponse:
    keys = {"slug": edition.letter.slug, "number": edition.number}
    context = {"letter": edition.letter, "edition": edition, "alternates": in_each_language("edition", **keys)}
    return render(request, "dispatch/gone.html", context, status=410)
