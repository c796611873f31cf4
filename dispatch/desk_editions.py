"""What a new edition would be, and who has which."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from accounts.access import access_campaign, access_desk, may, staff, staff_page
from dispatch.changes import changes_to_come
from letters.models import Letter


@require_safe
@staff_page(access_desk)
def next_edition(request: HttpRequest, slug: str) -> HttpResponse:
    """What is new since the last edition, before one is cut."""
    letter = get_object_or_404(Letter, slug=slug)
    last = letter.editions.last()
    context = {
        "letter": letter,
        "last": last.number if last else 0,
        "changes": changes_to_come(letter, get_language()) if last else None,
        "may_campaign": may(staff(request), access_campaign),
    }
    return render(request, "desk/next_edition.html", context)
