"""What staff do with a signature besides deciding: looked for, looked at, noted, given to somebody, spelt, believed."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Role, User
from ledger.models import Event
from letters.models import Letter
from signatories import services
from signatories.authority import Grade
from signatories.desk.rows import shown
from signatories.models import Correction, Evidence, Organisation, Signature
from signatories.services.evidence import assess, write_name_keys
from signatories.states import SignatureStatus
from tests.factories import make_letter, make_signature, make_user
from tests.tools import mails_to

pytestmark = pytest.mark.django_db
HOME = "/desk/"
BATCH = "/desk/batch/"


@pytest.fixture
def letter() -> Letter:
    return make_letter()


@pytest.fixture
def reviewer() -> User:
    return make_user(Role.Name.REVIEWER, name="Rita Reviewer")


@pytest.fixture
def desk(reviewer: User) -> Client:
    browser = Client()
    browser.force_login(reviewer)
    return browser


def make_pending(letter: Letter, **columns: Any) -> Signature:
    """As it is when its signer has confirmed it: with its evidence and doubts."""
    signature = make_signature(letter, status=SignatureStatus.PENDING, **columns)
    assess(signature)
    return signature


def listed(desk: Client, **asked: Any) -> list[str]:
    """The names in the queue, in their order."""
    return [row.name for row in desk.get(HOME, asked).context["rows"]]


def page_of(desk: Client, signature: Signature, **asked: Any) -> str:
    return desk.get(reverse("desk:signature", args=[signature.pk]), asked).content.decode()


def press(desk: Client, verb: str, pk: int, form: dict[str, Any] | None = None, status: int = 200) -> str:
    answer = desk.post(reverse(f"desk:{verb}", args=[pk]), form or {}, follow=True)
    assert answer.status_code == status
    return answer.content.decode()


class TestQueue:
    def test_by_deadline_then_risk_then_age(self, desk: Client) -> None:
        late, soon, never = (
            make_letter(slug=slug, signing_until=until)
            for slug, until in (("late", date(2999, 2, 1)), ("soon", date(2999, 1, 1)), ("never", None))
        )
        for number, (letter, risk) in enumerate([(never, 900), (late, 0), (soon, 0), (soon, 0), (soon, 50)]):
            made = make_signature(letter, name=f"No. {number}", status=SignatureStatus.PENDING)
            Signature.objects.filter(pk=made.pk).update(risk=risk)
        assert listed(desk) == ["No. 4", "No. 2", "No. 3", "No. 1", "No. 0"]

    def test_a_correction_that_a_signer_asks_for_waits_too(self, desk: Client, letter: Letter) -> None:
        signature = make_signature(letter, name="Wrongly Spelt")
        make_signature(letter, name="Rightly Spelt")
        Correction.objects.create(signature=signature, changes={"name_en": ["Wrongly Spelt", "Spelt"]})
        assert listed(desk) == ["Wrongly Spelt"]
        assert "A correction is asked for" in desk.get(HOME).content.decode()

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ({"letter": "second"}, ["Of The Second"]),
            ({"country": "LT"}, ["From Lithuania"]),
            ({"language": "be"}, ["In Belarusian"]),
            ({"visibility": "withheld"}, ["Withheld"]),
            ({"grade": str(Grade.CALL_BACK)}, ["Called Back"]),
            ({"doubts": "yes"}, ["Doubtful"]),
            ({"assigned": "me"}, ["Mine"]),
            ({"via": "telephone"}, ["By Telephone"]),
            ({"state": "approved"}, ["Approved"]),
            ({"state": "approved", "country": "LT"}, []),
        ],
    )
    def test_filters(
        self, desk: Client, reviewer: User, letter: Letter, asked: dict[str, str], found: list[str]
    ) -> None:
        make_pending(make_letter(slug="second"), name="Of The Second")
        make_pending(letter, name="From Lithuania", country="LT")
        make_pending(letter, name="In Belarusian", language="be")
        make_pending(letter, name="Withheld", visibility=Signature.Visibility.WITHHELD)
        called = make_signature(letter, name="Called Back", status=SignatureStatus.PENDING)
        Signature.objects.filter(pk=called.pk).update(grade=Grade.CALL_BACK)
        doubtful = make_pending(letter, name="Doubtful")
        Signature.objects.filter(pk=doubtful.pk).update(risk=100)
        make_pending(letter, name="Mine", assigned_to=reviewer)
        make_pending(letter, name="By Telephone", via=Signature.Via.TELEPHONE)
        make_signature(letter, name="Approved")
        assert listed(desk, **asked) == found

    def test_nobodys_and_somebodys(self, desk: Client, letter: Letter) -> None:
        other = make_user(Role.Name.CAMPAIGNER, name="Otto Other")
        make_pending(letter, name="Nobody’s")
        make_pending(letter, name="Otto’s", assigned_to=other)
        assert listed(desk, assigned="nobody") == ["Nobody’s"]
        assert listed(desk, assigned=str(other.pk)) == ["Otto’s"]

    def test_invited_or_not(self, desk: Client, reviewer: User, letter: Letter) -> None:
        invited = letter.invitations.create(name="Invited", email="a@example.org", language="en", invited_by=reviewer)
        make_pending(letter, name="Invited", invitation=invited)
        make_pending(letter, name="By Itself")
        assert listed(desk, invited="yes") == ["Invited"]
        assert listed(desk, invited="no") == ["By Itself"]

    def test_what_can_not_be_asked_for_is_said_and_shows_nothing(self, desk: Client, letter: Letter) -> None:
        make_pending(letter)
        for asked in (
            {"country": "Atlantis"},
            {"assigned": "x"},
            {"letter": "none"},
            {"letter": "\0"},
            {"assigned": "9" * 30},
            {"q": "a\0b"},
            {"q": "x" * 300},
        ):
            answer = desk.get(HOME, asked)
            assert answer.status_code == 200
            assert list(answer.context["rows"]) == []
            assert "does not say what to look for" in answer.content.decode()

    @pytest.mark.parametrize(
        "text",
        [
            "праваабарончы",
            "ПРАВААБАРОНЧЫ ЦЭНТР",
            "правозащитный",
            "Pravaabaronchy tsentr Viasna",
            "viasna@centre.example.org",
        ],
    )
    def test_found_in_any_spelling_and_by_an_exact_address(self, desk: Client, letter: Letter, text: str) -> None:
        name = "Праваабарончы цэнтр «Вясна»"
        make_pending(letter, name=name, names={"ru": "Правозащитный центр"}, email="vias.na+x@centre.example.org")
        make_pending(letter, name="Other People")
        assert listed(desk, q=text) == [name]

    def test_part_of_an_address_finds_nobody(self, desk: Client, letter: Letter) -> None:
        make_pending(letter, email="viasna@centre.example.org")
        assert listed(desk, q="@centre.example.org") == []

    def test_nothing_found_here_leads_to_every_state(self, desk: Client, letter: Letter) -> None:
        make_signature(letter, name="Decided Long Ago")
        answer = desk.get(HOME, {"q": "decided"})
        assert "?q=decided&amp;state=any" in answer.content.decode()
        assert listed(desk, q="decided", state="any") == ["Decided Long Ago"]

    def test_many_cost_as_many_queries_as_few(self, desk: Client, letter: Letter) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                assert desk.get(HOME).status_code == 200
            return len(captured)

        make_pending(letter), make_pending(letter)
        few = queries()
        for _ in range(58):
            make_pending(letter)
        assert queries() == few
        assert few < 20


class TestPage:
    def test_all_that_speaks_for_and_against_is_on_one_screen(
        self, desk: Client, reviewer: User, letter: Letter
    ) -> None:
        known = Organisation.objects.create(
            name_en="Example Watch", folded_name="example watch", country="LT", member_since=date(2019, 3, 1)
        )
        write_name_keys(known)
        twin = make_signature(letter, name="Example Watch", country="LT")
        assess(twin)
        signature = make_pending(
            letter, name="Example Wаtch", country="LT", representative="Jane Example", email="jane@free.example.org"
        )
        services.note(signature, by=reviewer, text="Their website is down.\nI called.")
        page = page_of(desk, signature)
        assert '<mark title="Cyrillic">а</mark>' in page
        for said in ("Jane Example", "jane@free.example.org", "Lithuania", "version 1 of the text", "Through the form"):
            assert said in page
        assert "Nothing shows yet" in page
        assert reverse("desk:signature", args=[twin.pk]) in page
        assert "written with different letters" in page
        assert "<p>Their website is down.<br>I called.</p>" in page
        assert "Rita Reviewer" in page

    def test_next_and_previous_are_those_of_the_queue_as_it_is_filtered(self, desk: Client, letter: Letter) -> None:
        first, _, third = (make_pending(letter, country=country) for country in ("LT", "PL", "LT"))
        page = page_of(desk, first, country="LT")
        assert "1 of 2" in page
        assert f'href="{reverse("desk:signature", args=[third.pk])}?country=LT" rel="next"' in page
        form = {"shown": shown(first), "next": f"{reverse('desk:signature', args=[third.pk])}?country=LT"}
        assert f'name="next" value="{form["next"]}"' in page
        answer = desk.post(reverse("desk:approve", args=[first.pk]), form)
        assert answer.headers["Location"] == form["next"]

    @pytest.mark.parametrize("status", SignatureStatus.values)
    def test_whatever_its_state(self, desk: Client, letter: Letter, status: str) -> None:
        page = page_of(desk, make_signature(letter, status=status, name="In Some State"))
        assert "In Some State" in page
        approve, reject = ('data-key="a"' in page), ('data-key="r"' in page)
        assert (approve, reject) == (status in ("pending", "rejected"), status in ("pending", "approved"))

    def test_an_individual_has_no_registry(self, desk: Client, letter: Letter) -> None:
        signature = make_pending(
            letter, name="Jane Example", kind=Signature.Kind.INDIVIDUAL, affiliation="Example University"
        )
        page = page_of(desk, signature)
        assert "Example University" in page
        assert "Individuals are in no registry." in page
        press(desk, "approve", signature.pk, {"shown": shown(signature)})
        signature.refresh_from_db()
        assert (signature.status, signature.organisation) == (SignatureStatus.APPROVED, None)

    @pytest.mark.parametrize("verb", ["ask", "note", "assign", "spell", "announcement", "call_back"])
    def test_reading_does_nothing_and_strangers_nothing_at_all(self, desk: Client, letter: Letter, verb: str) -> None:
        signature = make_pending(letter)
        address = reverse(f"desk:{verb}", args=[signature.pk])
        assert desk.get(address).status_code == 405
        assert Client().post(address).status_code == 302
        sender = Client()
        sender.force_login(make_user(Role.Name.SENDER))
        assert sender.post(address).status_code == 403
        assert sender.get(reverse("desk:signature", args=[signature.pk])).status_code == 403

    def test_what_is_wrong_is_said_and_what_was_typed_is_kept(self, desk: Client, letter: Letter) -> None:
        signature = make_pending(letter)
        assert "Write the note." in press(desk, "note", signature.pk, {"text": " \n "}, status=422)
        assert "Shorten this" in press(desk, "note", signature.pk, {"text": "x" * 5001}, status=422)
        page = press(desk, "announcement", signature.pk, {"address": "https://ok.example.org/we-sign"}, status=422)
        assert "Enter the date of the announcement." in page
        assert 'value="https://ok.example.org/we-sign"' in page
        tomorrow = (date.today() + timedelta(days=2)).isoformat()
        form = {"address": "https://ok.example.org/we-sign", "dated": tomorrow}
        assert "still to come" in press(desk, "announcement", signature.pk, form, status=422)

    def test_markup_in_a_note_is_text(self, desk: Client, letter: Letter) -> None:
        signature = make_pending(letter)
        page = press(desk, "note", signature.pk, {"text": "<script>alert(1)</script>\0\u200b end"})
        assert "&lt;script&gt;alert(1)&lt;/script&gt; end" in page


class TestEvidence:
    def test_what_staff_find_out_raises_the_grade(self, desk: Client, reviewer: User, letter: Letter) -> None:
        signature = make_pending(letter)
        assert "Write where the paper is kept." in press(desk, "paper", signature.pk, {"note": " "}, status=422)
        page = press(desk, "paper", signature.pk, {"note": "Binder 3: their letterhead and stamp."})
        signature.refresh_from_db()
        assert signature.grade == Grade.PAPER
        assert "Binder 3: their letterhead and stamp." in page
        press(desk, "announcement", signature.pk, {"address": "https://news.example.org/1", "dated": "2020-08-03"})
        signature.refresh_from_db()
        assert signature.grade == Grade.ANNOUNCEMENT
        page = press(
            desk, "call_back", signature.pk, {"note": "Asked the office by the number in the phone book: yes."}
        )
        signature.refresh_from_db()
        assert signature.grade == Grade.CALL_BACK
        assert "https://news.example.org/1" in page
        assert "Asked the office by the number in the phone book: yes." in page
        assert {item.by for item in Evidence.objects.filter(grade__gte=Grade.PAPER)} == {reviewer}


class TestAssigning:
    def test_to_somebody_to_me_and_to_nobody(self, desk: Client, reviewer: User, letter: Letter) -> None:
        signature, other = make_pending(letter), make_user(Role.Name.CAMPAIGNER, name="Otto Other")
        for to, said in (
            (other.pk, "Assigned to Otto Other."),
            (reviewer.pk, "Assigned to Rita"),
            ("", "Assigned to nobody."),
        ):
            assert said in press(desk, "assign", signature.pk, {"to": to})
        signature.refresh_from_db()
        assert signature.assigned_to is None
        assert list(Event.objects.about(signature).values_list("target", "by")) == [
            ("assigned", reviewer.pk),
            ("assigned", reviewer.pk),
            ("unassigned", reviewer.pk),
        ]

    def test_only_to_those_who_review(self, desk: Client, letter: Letter) -> None:
        signature = make_pending(letter)
        press(desk, "assign", signature.pk, {"to": make_user(Role.Name.SENDER).pk}, status=422)
        signature.refresh_from_db()
        assert signature.assigned_to is None


class TestBatch:
    @pytest.fixture
    def member(self, letter: Letter) -> Signature:
        return self.make_member(letter, "Members’ Union")

    def make_member(self, letter: Letter, name: str, **columns: Any) -> Signature:
        known = {"name_en": name, "folded_name": make_signature(letter, status="pending", name=name).folded_name}
        Signature.objects.filter(folded_name=known["folded_name"]).delete()
        domain = f"{known['folded_name'].replace(' ', '-')}.example.org"
        organisation = Organisation.objects.create(
            **known, country="PL", domains=[domain], **{"member_since": date(2019, 1, 1), **columns}
        )
        write_name_keys(organisation)
        return make_pending(letter, name=name, country="PL", email=f"office@{domain}")

    def proposed(self, desk: Client) -> list[str]:
        return [row.name for row in desk.get(BATCH).context["rows"]]

    def test_members_with_evidence_and_without_doubts(self, desk: Client, letter: Letter, member: Signature) -> None:
        make_pending(letter, name="A Stranger")
        self.make_member(letter, "Left Long Ago", member_since=None)
        doubtful = self.make_member(letter, "Doubtful")
        Signature.objects.filter(pk=doubtful.pk).update(disputed_at=doubtful.signed_at)
        elsewhere = self.make_member(letter, "From Elsewhere")
        Signature.objects.filter(pk=elsewhere.pk).update(grade=Grade.STATED_DOMAIN)
        assert self.proposed(desk) == ["Members’ Union"]
        assert "1 signature is of a known member" in desk.get(HOME).content.decode()

    def test_not_for_a_text_whose_meaning_has_changed(self, desk: Client, letter: Letter, member: Signature) -> None:
        assert self.proposed(desk) == ["Members’ Union"]
        newer = letter.version
        newer.pk, newer.number = None, 2
        newer.is_material, newer.reason, newer.keep_until = True, "Two demands more", date(2999, 1, 1)
        newer.save()
        assert self.proposed(desk) == []
        assert "The meaning of the text has changed since." in page_of(desk, member)

    def test_each_is_approved_by_itself_and_what_is_not_ticked_waits(
        self, desk: Client, reviewer: User, letter: Letter, member: Signature
    ) -> None:
        others = [self.make_member(letter, f"Union {number}") for number in range(2)]
        ticked = [f"{signature.pk} {shown(signature)}" for signature in (member, others[0])]
        page = desk.post(BATCH, {"approve": ticked}, follow=True).content.decode()
        assert "2 signatures are approved." in page
        states = dict(letter.signatures.values_list("pk", "status"))
        assert [states[signature.pk] for signature in (member, *others)] == ["approved", "approved", "pending"]
        for signature in (member, others[0]):
            assert Event.objects.about(signature).get(target="approved").by == reviewer

    def test_what_changed_meanwhile_is_left_alone_and_named(
        self, desk: Client, letter: Letter, member: Signature
    ) -> None:
        gone, objected, restated = (self.make_member(letter, name) for name in ("Gone", "Objected", "Restated"))
        ticked = [f"{signature.pk} {shown(signature)}" for signature in (member, gone, objected, restated)]
        services.withdraw(gone)
        Signature.objects.filter(pk=objected.pk).update(disputed_at=objected.signed_at)
        Signature.objects.filter(pk=restated.pk).update(name_be="Іншая назва")
        page = desk.post(BATCH, {"approve": ticked}, follow=True).content.decode()
        assert "1 signature is approved." in page
        for name in ("Gone", "Objected", "Restated"):
            assert f"“{name}”" in page
        assert letter.signatures.approved().count() == 1

    def test_nothing_ticked_and_nonsense(self, desk: Client, member: Signature) -> None:
        assert "nothing was approved" in desk.post(BATCH, {}, follow=True).content.decode()
        for nonsense in ("x", "", "999999 y", "\0", "1", "9" * 30 + " y"):
            assert desk.post(BATCH, {"approve": [nonsense]}, follow=True).status_code == 200
        member.refresh_from_db()
        assert member.status == SignatureStatus.PENDING

    def test_a_batch_is_for_those_who_review(self, client: Client) -> None:
        client.force_login(make_user(Role.Name.SENDER))
        assert client.get(BATCH).status_code == 403
        assert client.post(BATCH).status_code == 403


class TestQuestions:
    @pytest.fixture
    def asked(self, desk: Client, letter: Letter) -> Signature:
        signature = make_pending(letter, name="Asked About", language="be", email="asked@about.example.org")
        form = {"text": "Хто вас упаўнаважыў?\nНапішыце, калі ласка.", "shown": shown(signature)}
        assert "The question is being mailed." in press(desk, "ask", signature.pk, form)
        signature.refresh_from_db()
        return signature

    def link(self, signature: Signature) -> str:
        [mail] = mails_to(signature.email)
        return next(word for word in mail.body.split() if "/signatures/answer/" in word).removeprefix(
            "http://localhost:8000"
        )

    def test_mailed_in_the_signers_language_in_the_words_of_staff(self, asked: Signature) -> None:
        [mail] = mails_to("asked@about.example.org")
        assert mail.language == "be"
        assert mail.subject.startswith("Пытанне пра ваш подпіс")
        assert "Хто вас упаўнаважыў?\nНапішыце, калі ласка." in mail.body
        assert "/be/signatures/answer/" in mail.body
        assert asked.status == SignatureStatus.ASKED

    def test_the_desk_says_in_which_language_to_write(self, desk: Client, letter: Letter) -> None:
        page = page_of(desk, make_pending(letter, language="be"))
        assert "The signatory reads: <strong>Belarusian</strong>. Write in that language." in page

    def test_answered_by_a_button_and_shown_at_the_desk(self, desk: Client, client: Client, asked: Signature) -> None:
        link, question = self.link(asked), asked.questions.get()
        for _ in range(2):  # reading answers nothing
            page = client.get(link).content.decode()
            assert "<p>Хто вас упаўнаважыў?<br>Напішыце, калі ласка.</p>" in page
        asked.refresh_from_db()
        assert asked.status == SignatureStatus.ASKED
        assert "Напішыце адказ." in client.post(link, {"question": question.pk, "text": " "}).content.decode()
        answer = client.post(link, {"question": question.pk, "text": "Рада <b>1</b> жніўня."}, follow=True)
        assert "Ваш адказ у нашых супрацоўнікаў" in answer.content.decode()
        asked.refresh_from_db()
        assert asked.status == SignatureStatus.PENDING
        assert "Рада &lt;b&gt;1&lt;/b&gt; жніўня." in page_of(desk, asked)
        assert "Asked About" in listed(desk)

    def test_answered_twice_counts_once(self, client: Client, asked: Signature) -> None:
        link, question = self.link(asked), asked.questions.get()
        for text in ("First.", "Second."):
            assert client.post(link, {"question": question.pk, "text": text}).status_code == 200 + 102 * (
                text == "First."
            )
        question.refresh_from_db()
        assert question.answer == "First."
        assert list(Event.objects.about(asked).values_list("source", "target")) == [
            ("pending", "asked"),
            ("asked", "pending"),
        ]

    def test_taken_back(self, desk: Client, client: Client, reviewer: User, asked: Signature) -> None:
        question = asked.questions.get()
        assert "Take the question back" in page_of(desk, asked)
        assert "The question is taken back." in press(desk, "take_back", question.pk)
        asked.refresh_from_db()
        assert asked.status == SignatureStatus.PENDING
        assert Event.objects.about(asked).last().by == reviewer  # type: ignore[union-attr]
        assert "Нам больш не патрэбны ваш адказ." in client.get(self.link(asked)).content.decode()
        assert client.post(self.link(asked), {"question": question.pk, "text": "Late"}).status_code == 200
        assert "nothing to take back" in press(desk, "take_back", question.pk)
        question.refresh_from_db()
        assert question.answer == ""

    def test_an_answer_to_an_earlier_question_answers_no_other(
        self, desk: Client, client: Client, asked: Signature
    ) -> None:
        first = asked.questions.get()
        link = self.link(asked)
        press(desk, "take_back", first.pk)
        asked.refresh_from_db()
        press(desk, "ask", asked.pk, {"text": "Іншае пытанне?", "shown": shown(asked)})
        answer = client.post(link, {"question": first.pk, "text": "Typed at length"})
        assert answer.status_code == 409
        assert "Typed at length" in answer.content.decode()
        assert "Іншае пытанне?" in answer.content.decode()
        asked.refresh_from_db()
        assert asked.status == SignatureStatus.ASKED

    def test_asked_about_what_stood_there(self, desk: Client, letter: Letter) -> None:
        signature = make_pending(letter)
        press(desk, "ask", signature.pk, {"text": "Really?", "shown": "something else"})
        signature.refresh_from_db()
        assert (signature.status, signature.questions.count(), mails_to(signature.email)) == ("pending", 0, [])

    def test_what_waits_for_an_answer_is_not_decided(self, desk: Client, asked: Signature) -> None:
        page = press(desk, "approve", asked.pk, {"shown": shown(asked)})
        assert "waits for an answer" in page
        asked.refresh_from_db()
        assert asked.status == SignatureStatus.ASKED

    def test_a_mail_to_whom_nobody_may_name_says_nothing(self, desk: Client, client: Client, letter: Letter) -> None:
        withheld = Signature.Visibility.WITHHELD
        signature = make_pending(letter, name="Careful People", visibility=withheld, email="careful@example.org")
        press(desk, "ask", signature.pk, {"text": "Who may sign for Careful People?", "shown": shown(signature)})
        [mail] = mails_to("careful@example.org")
        for telling in ("Careful", letter.title, "question", "signature under", "Belarus", letter.contact_email):
            assert telling not in mail.subject + mail.body.replace(self.link(signature), "")
        page = client.get(self.link(signature)).content.decode()
        for telling in ("Careful", letter.title, "Who may sign"):
            assert telling not in page

    def test_a_link_that_is_none(self, client: Client, asked: Signature) -> None:
        assert client.get("/en/signatures/answer/altered/").status_code == 404
        assert client.get(self.link(asked).replace("/answer/", "/withdraw/")).status_code == 404


class TestCorrections:
    def test_a_spelling_is_corrected_with_a_trace(
        self, desk: Client, client: Client, reviewer: User, letter: Letter
    ) -> None:
        signature = make_signature(letter, name="Zebra Wacth", names={"be": "Зебра"})
        make_signature(letter, name="Middle")
        assess(signature)
        form = {"name_en": "Aardvark Watch", "name_be": "Зебра", "name_ru": ""}
        page = press(desk, "spell", signature.pk, form)
        assert "<del>Zebra Wacth</del> <ins>Aardvark Watch</ins>" in page
        correction = signature.corrections.get()
        assert correction.changes == {"name_en": ["Zebra Wacth", "Aardvark Watch"]}
        assert (correction.status, correction.made_by, correction.decided_by) == ("accepted", reviewer, reviewer)
        public = client.get("/en/letters/belarus-2020/").content.decode()
        assert "Zebra Wacth" not in public
        assert public.index("Aardvark Watch") < public.index("Middle")
        assert listed(desk, q="aardvark", state="any") == ["Aardvark Watch"]

    def test_nothing_to_correct_and_nothing_left(self, desk: Client, letter: Letter) -> None:
        signature = make_pending(letter, name="Right As It Is")
        assert "stand there like this already" in press(desk, "spell", signature.pk, {"name_en": "Right As It Is"})
        assert "Enter the name" in press(desk, "spell", signature.pk, {"name_en": "\u200b"[:0]}, status=422)
        assert signature.corrections.count() == 0

    def test_a_name_under_which_the_same_mailbox_signed_already(self, desk: Client, letter: Letter) -> None:
        make_pending(letter, name="One Name", email="one@example.org")
        signature = make_pending(letter, name="Other Name", email="one@example.org")
        page = press(desk, "spell", signature.pk, {"name_en": "ONE NAME"}, status=422)
        assert "has signed this letter already" in page
        signature.refresh_from_db()
        assert (signature.name_en, signature.corrections.count()) == ("Other Name", 0)  # type: ignore[attr-defined]

    @pytest.mark.parametrize(("verb", "name"), [("accept", "Rightly Spelt"), ("decline", "Wrongly Spelt")])
    def test_what_a_signer_asks_for_is_accepted_or_declined(
        self, desk: Client, reviewer: User, letter: Letter, verb: str, name: str
    ) -> None:
        signature = make_signature(letter, name="Wrongly Spelt")
        correction = services.correct(signature, changes={"name_en": "Rightly Spelt"})
        assert "<del>Wrongly Spelt</del> <ins>Rightly Spelt</ins>" in page_of(desk, signature)
        press(desk, f"{verb}_correction", correction.pk, {"shown": correction.made_at.isoformat()})
        signature.refresh_from_db()
        assert signature.name_en == name  # type: ignore[attr-defined]
        correction.refresh_from_db()
        assert (correction.decided_by, correction.status.startswith(verb)) == (reviewer, True)
        assert listed(desk) == []

    def test_a_correction_that_was_written_anew_is_looked_at_again(self, desk: Client, letter: Letter) -> None:
        signature = make_signature(letter, name="Wrongly Spelt")
        seen = services.correct(signature, changes={"name_en": "Rightly Spelt"}).made_at
        correction = services.correct(signature, changes={"name_en": "Something Else"})
        page = press(desk, "accept_correction", correction.pk, {"shown": seen.isoformat()})
        assert "not what it was" in page
        signature.refresh_from_db()
        assert signature.name_en == "Wrongly Spelt"  # type: ignore[attr-defined]
