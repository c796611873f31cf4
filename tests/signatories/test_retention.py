"""What is not kept: unconfirmed signatures after a week, contacts after a campaign's last day. Public names stay."""

from datetime import timedelta
from io import StringIO

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Role
from campaign import tasks
from letters.models import Campaign, Letter
from signatories import links, services
from signatories.models import Evidence, Handover, Invitation, NameKey, Note, Question, Signature
from signatories.services import evidence, importing
from signatories.services.retention import KEPT_UNCONFIRMED
from signatories.services.secrets import new_secret, secret_index
from signatories.states import ImportStatus, InvitationStatus, SignatureStatus
from tests.factories import make_letter, make_signature, make_user

pytestmark = pytest.mark.django_db
STILL = timedelta(days=1)


@pytest.fixture
def letter() -> Letter:
    return make_letter(with_recipients=False)


def over(days: int = 1) -> None:
    Campaign.objects.update(contacts_until=timezone.now().date() - timedelta(days=days))


def purge() -> str:
    out = StringIO()
    call_command("purge", stdout=out)
    return out.getvalue().strip()


def with_all(signature: Signature) -> Signature:
    """With everything that can stand beside a signature."""
    user = make_user(Role.Name.REVIEWER)
    evidence.write_name_keys(signature)
    signature.questions.create(text="Who are you?", asked_by=user)
    signature.notes.create(text="Called them.", by=user)
    signature.corrections.create(changes={"role": ["a", "b"]})
    signature.evidence.create(grade=3, note="Spoke with the director.", by=user)
    signature.handovers.create(representative="A", role="B", email="c@example.org", mailbox="x", language="en")
    return signature


class TestUnconfirmed:
    def test_they_go_after_a_week_with_all_that_stands_beside_them(self, letter: Letter) -> None:
        old = with_all(make_signature(letter, status=SignatureStatus.UNCONFIRMED))
        Signature.objects.filter(pk=old.pk).update(signed_at=timezone.now() - KEPT_UNCONFIRMED)
        fresh = make_signature(letter, status=SignatureStatus.UNCONFIRMED)
        assert purge() == "Deleted: 1 unconfirmed signatures; the contacts of 0 signatures; 0 uploaded tables."
        assert list(Signature.objects.all()) == [fresh]
        for model in (Evidence, NameKey, Question, Note, Handover):
            assert not model._default_manager.exists()

    def test_confirmed_ones_stay(self, letter: Letter) -> None:
        for status in SignatureStatus.values:
            make_signature(letter, status=status)
        Signature.objects.update(signed_at=timezone.now() - 2 * KEPT_UNCONFIRMED)
        tasks.purge()
        assert Signature.objects.count() == len(SignatureStatus.values) - 1


class TestTables:
    """What was uploaded holds contacts, too."""

    @pytest.mark.parametrize("status", [ImportStatus.UPLOADED, ImportStatus.CHECKED])
    def test_what_waits_for_nobody_goes(self, letter: Letter, status: str) -> None:
        new = letter.imports.create(status=status, content="rows")
        assert purge().endswith("; 0 uploaded tables.")
        old = letter.imports.create(status=status, content="rows", made_at=timezone.now() - importing.KEPT)
        assert purge().endswith("; 1 uploaded tables.")
        assert letter.imports.get(pk=new.pk).content == "rows"
        over()
        assert purge().endswith("; 1 uploaded tables.")
        for upload in (new, old):
            upload.refresh_from_db()
            assert (upload.status, upload.content) == (ImportStatus.DROPPED, "")

    def test_what_is_being_imported_stays(self, letter: Letter) -> None:
        letter.imports.create(status=ImportStatus.QUEUED, content="rows", made_at=timezone.now() - 2 * importing.KEPT)
        assert purge().endswith("; 0 uploaded tables.")
        assert letter.imports.get().content == "rows"


class TestContacts:
    def test_they_go_when_the_day_is_over_and_the_public_name_stays(self, letter: Letter) -> None:
        signature = with_all(make_signature(letter, name="Example Organisation"))
        Campaign.objects.update(contacts_until=timezone.now().date())
        assert services.forget_contacts() == 0
        over()
        assert purge() == "Deleted: 0 unconfirmed signatures; the contacts of 1 signatures; 0 uploaded tables."
        signature.refresh_from_db()
        assert (signature.representative, signature.role, signature.email, signature.mailbox) == ("", "", "", "")
        assert signature.forgotten_at is not None
        assert (signature.name, signature.status) == ("Example Organisation", SignatureStatus.APPROVED)
        for beside in (signature.questions, signature.notes, signature.corrections, signature.handovers):
            assert not beside.exists()
        assert list(signature.evidence.values_list("grade", "note")) == [(3, "")]

    def test_nothing_of_a_person_is_left_in_the_database(self, letter: Letter) -> None:
        signature = with_all(make_signature(letter))
        mailbox = signature.mailbox
        over()
        services.forget_contacts()
        for model in apps.get_models():
            for field in model._meta.local_concrete_fields:
                if type(field).__name__ in ("EncryptedTextField", "EncryptedJSONField") and model is not Invitation:
                    left = model._default_manager.exclude(**{f"{field.name}__isnull": True}).values_list(field.name)
                    assert [value for (value,) in left if value] == []
        table = connection.ops.quote_name(Signature._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table} WHERE mailbox = %s", [mailbox])
            assert cursor.fetchone() == (0,)

    def test_a_campaign_without_a_day_or_whose_day_is_to_come_keeps_them(self, letter: Letter) -> None:
        signature = make_signature(letter)
        assert services.forget_contacts() == 0
        Campaign.objects.update(contacts_until=timezone.now().date() + STILL)
        assert services.forget_contacts() == 0
        signature.refresh_from_db()
        assert signature.email

    def test_again_it_changes_nothing(self, letter: Letter) -> None:
        signature = make_signature(letter)
        over()
        assert [services.forget_contacts() for _ in range(2)] == [1, 0]
        assert Signature.objects.get(pk=signature.pk).forgotten_at

    def test_two_signatures_of_one_name_can_both_be_forgotten(self, letter: Letter) -> None:
        for email in ("a@example.org", "b@example.org"):
            make_signature(letter, name="Same", email=email, status=SignatureStatus.PENDING)
        over()
        assert services.forget_contacts() == 2

    def test_who_was_invited_goes_but_for_the_wish_to_be_left_alone(self, letter: Letter) -> None:
        by = make_user()
        shared = {"letter": letter, "language": "en", "invited_by": by, "status": InvitationStatus.INVITED}
        gone = Invitation.objects.create(name="A", folded_name="a", email="a@example.org", mailbox="a", **shared)
        wish = Invitation.objects.create(
            name="B", folded_name="b", email="b@example.org", mailbox="b", no_more_mails=True, **shared
        )
        signature = make_signature(letter, invitation=gone)
        over()
        services.forget_contacts()
        signature.refresh_from_db()
        assert signature.invitation is None
        [kept] = Invitation.objects.all()
        assert (kept.pk, kept.email, kept.mailbox) == (wish.pk, "", "b")

    def test_sessions_that_are_over_go_too(self) -> None:
        Session.objects.create(session_key="old", session_data="", expire_date=timezone.now() - STILL)
        Session.objects.create(session_key="new", session_data="", expire_date=timezone.now() + STILL)
        purge()
        assert list(Session.objects.values_list("session_key", flat=True)) == ["new"]


class TestAfterwards:
    def test_own_links_only_withdraw(self, letter: Letter) -> None:
        signature = make_signature(letter)
        over()
        services.forget_contacts()
        own = links.path(signature, "own")
        for page in ("", "correct/", "hand-over/", "keep/"):
            answer = Client().get(own + page)
            assert answer.status_code == 200
            assert "Your contact was deleted" in answer.text
        Client().post(
            own + "hand-over/", {"representative": "X", "role": "Y", "email": "z@example.org", "language": "en"}
        )
        assert not Handover.objects.exists()
        Client().post(links.path(signature, "withdraw"))
        assert Signature.objects.get(pk=signature.pk).status == SignatureStatus.WITHDRAWN

    def test_so_does_the_secret_of_a_withheld_one(self, letter: Letter) -> None:
        secret = new_secret()
        withheld = Signature.Visibility.WITHHELD
        signature = make_signature(letter, visibility=withheld, secret_index=secret_index(secret))
        over()
        services.forget_contacts()
        client = Client()
        page = client.post("/en/signatures/secret/", {"secret": secret}, follow=True)
        assert "Your contact was deleted" in page.text
        client.post(links.path(signature, "withdraw"))
        assert Signature.objects.get(pk=signature.pk).status == SignatureStatus.WITHDRAWN


class TestDesk:
    def test_a_campaigner_sets_the_day(self, letter: Letter) -> None:
        client, page, campaigner = Client(), f"/desk/campaigns/{letter.campaign.pk}/", make_user()
        client.force_login(campaigner)
        assert page in client.get(f"/desk/letters/{letter.slug}/").text
        assert client.get(page).status_code == 200
        until = timezone.now().date() + timedelta(days=30)
        assert client.post(page, {"contacts_until": until.isoformat()}).status_code == 302
        letter.campaign.refresh_from_db()
        assert letter.campaign.contacts_until == until
        assert client.post(page, {"contacts_until": ""}).status_code == 302
        letter.campaign.refresh_from_db()
        assert letter.campaign.contacts_until is None
        for address in (page, f"/desk/letters/{letter.slug}/"):
            history = [(what, who) for _at, what, who in client.get(address).context["history"]]
            assert history == 2 * [("Chosen how long contacts are kept", campaigner)]

    @pytest.mark.parametrize("typed", ["2020-01-01", "soon", "\0", "9999-99-99"])
    def test_a_day_that_is_over_or_none_is_refused(self, letter: Letter, typed: str) -> None:
        client, page = Client(), f"/desk/campaigns/{letter.campaign.pk}/"
        client.force_login(make_user())
        assert client.post(page, {"contacts_until": typed}).status_code == 422
        letter.campaign.refresh_from_db()
        assert letter.campaign.contacts_until is None

    def test_a_reviewer_does_not(self, letter: Letter) -> None:
        client, page = Client(), f"/desk/campaigns/{letter.campaign.pk}/"
        client.force_login(make_user(Role.Name.REVIEWER))
        assert client.get(page).status_code == 403
        assert client.post(page).status_code == 403
