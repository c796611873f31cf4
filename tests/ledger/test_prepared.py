"""Statements that are put together once say what the querysets say that they are made of."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from pytest_django import Settings

from dispatch.models import Delivery
from ledger.models import Event
from ledger.prepared import Given, Prepared, update_where
from letters.models import Letter
from mailing.models import Mail
from tests.dispatch.sending import make_delivery
from tests.factories import make_letter, make_user, turn_on_the_switch

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sending(settings: Settings) -> None:
    settings.SENDING_ENABLED = True
    turn_on_the_switch()


def test_what_is_given_counts_each_time() -> None:
    letters = {letter.slug: letter for letter in (make_letter(slug="one"), make_letter(slug="two"))}
    by_slug = Prepared(lambda: Letter.objects.filter(slug=Given("slug")))
    assert [by_slug.first(slug=slug) for slug in ("one", "two", "three")] == [letters["one"], letters["two"], None]
    assert by_slug.exists(slug="two")
    assert not by_slug.exists(slug="' OR 1=1 --")


def test_a_row_is_read_as_django_reads_it_with_what_belongs_to_it() -> None:
    with_all = Prepared(lambda: Delivery.objects.filter(pk=Given("pk")).select_related("edition__letter", "wording"))
    one, other = make_delivery(), make_delivery()
    other.wording.delete()
    for pk in (one.pk, other.pk):
        expected = Delivery.objects.select_related("edition__letter", "wording").get(pk=pk)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            found = with_all.first(pk=pk)
            assert found is not None
            assert vars(found.edition.letter) == vars(expected.edition.letter) | {"_state": found.edition.letter._state}
        assert len(asked) == 1
        columns = [field.attname for field in Delivery._meta.concrete_fields]
        assert [getattr(found, column) for column in columns] == [getattr(expected, column) for column in columns]
        assert hasattr(found, "wording") == hasattr(expected, "wording") == (pk == one.pk)
        assert found.edition.content == expected.edition.content


def test_moments_are_moments_on_the_way_in_and_out() -> None:
    now = timezone.now()
    Event.objects.create(table="letters.letter", row=1, target="draft", at=now)
    since = Prepared(lambda: Event.objects.filter(at__gte=Given("since")).order_by("pk").values_list("row", "at"))
    assert since.all(since=now) == [(1, now)]
    assert since.all(since=now + timedelta(microseconds=1)) == []


def test_rows_are_changed_where_they_meet_all_conditions() -> None:
    one, other = make_letter(slug="one"), make_letter(slug="two")
    now = timezone.now()
    met = {"slug": "one", "published_at": None, "pk__in": Letter.objects.filter(pk=one.pk)}
    Letter.objects.update(published_at=None)
    assert update_where(Letter, {**met, "slug": "two"}, {"published_at": now}) == 0
    assert update_where(Letter, met, {"published_at": now, "contact_email": "%s@example.org"}) == 1
    assert update_where(Letter, met, {"published_at": now}) == 0  # it is not without a date any more
    assert list(Letter.objects.order_by("slug").values_list("published_at", flat=True)) == [now, None]
    one.refresh_from_db()
    assert one.contact_email == "%s@example.org"
    assert update_where(Letter, {"published_at__lte": now}, {"published_at": None}) == 1
    other.refresh_from_db()
    assert other.published_at is None


def test_what_is_kept_encrypted_is_kept_encrypted() -> None:
    Mail.objects.create(key="a", language="be", to="")
    assert update_where(Mail, {"key": "a"}, {"to": "somebody@example.org"}) == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM mailing_mail")
        assert "somebody" not in str(cursor.fetchall())
    assert Mail.objects.get().to == "somebody@example.org"


def test_a_row_is_set_to_point_to_another() -> None:
    delivery, user = make_delivery(), make_user()
    assert update_where(type(delivery.dispatch), {"pk": delivery.dispatch_id}, {"prepared_by": user}) == 1
    delivery.dispatch.refresh_from_db()
    assert delivery.dispatch.prepared_by == user


def test_a_column_is_the_same_in_every_language() -> None:
    letter = make_letter()
    Letter.objects.filter(pk=letter.pk).update(title_en="A letter", title_be="Ліст", title_ru="Письмо")
    for language in ("be", "en"):
        with translation.override(language):
            assert update_where(Letter, {"title_be": "Ліст"}, {"contact_email": f"{language}@example.org"}) == 1
            assert update_where(Letter, {"title": "Ліст"}, {"contact_email": "nobody@example.org"}) == 0
            letter.refresh_from_db()
            assert letter.contact_email == f"{language}@example.org"


@pytest.mark.parametrize("is_it", [True, False])
def test_yes_and_no_are_values_like_any_other(is_it: bool) -> None:
    make_letter(is_demonstration=is_it)
    assert update_where(Letter, {"is_demonstration": not is_it}, {"is_demonstration": is_it}) == 0
    assert update_where(Letter, {"is_demonstration": is_it}, {"is_demonstration": not is_it}) == 1
    assert Letter.objects.get().is_demonstration is not is_it


@pytest.mark.parametrize("several", [["a", "b"], ("a",), {"a"}])
def test_several_values_are_refused(several: Any) -> None:
    with pytest.raises(ValueError, match="several values"):
        update_where(Letter, {"slug__in": several}, {"contact_email": ""})


def test_what_one_thread_put_together_another_asks() -> None:
    moments = Prepared(lambda: Event.objects.filter(row=Given("row")).values_list("at"))
    asked: list[object] = []

    def ask() -> None:
        asked.append(moments.all(row=0))
        connection.close()

    for _ in range(2):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert [*asked, moments.all(row=0)] == [[], [], []]


def test_a_condition_on_another_table_is_refused() -> None:
    with pytest.raises(ValueError, match="another table"):
        update_where(Delivery, {"dispatch__status": "sending"}, {"answer": ""})
