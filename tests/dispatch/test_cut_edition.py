"""`manage.py cut_edition`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from dispatch.models import Edition
from signatories.states import SignatureStatus
from tests.factories import make_letter, make_signature

pytestmark = pytest.mark.django_db


def test_it_cuts_and_counts_who_is_left_out_without_naming_anybody() -> None:
    letter = make_letter()
    make_signature(letter)
    make_signature(letter, name="Undecided", status=SignatureStatus.PENDING)
    said = StringIO()
    call_command("cut_edition", letter.slug, stdout=said)
    assert Edition.objects.get().number == 1
    assert "Edition 1 is cut: 1 signatures." in said.getvalue()
    assert "under review: 1" in said.getvalue()
    assert "Undecided" not in said.getvalue()


@pytest.mark.parametrize(("slug", "says"), [("belarus-2020", "nothing to freeze"), ("other", "no letter other")])
def test_it_says_why_not(slug: str, says: str) -> None:
    make_letter()
    with pytest.raises(CommandError, match=says):
        call_command("cut_edition", slug)
