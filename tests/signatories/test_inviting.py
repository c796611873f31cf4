"""Organisations are invited by links of their own, answer on a page, and are reminded once."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User
from ledger.models import Event
from letters.models import Letter, PrivateLink
from letters.services import make_private_link
from letters.states import LetterStatus
from mailing.models import Mail
from signatories import invited_links, links, services
from signatories.models import Invitation, Organisation
from signatories.services import Signing, inviting
from signatories.services.inviting import Invitee
from signatories.states import InvitationStatus
from tests.factories import make_letter, make_organisation, make_signature, make_user
from tests.tools import mails_to

pytestmark = pytest.mark.django_db
LIST = "/desk/letters/belarus-2020/invitations/"
INVITE = f"{LIST}new/"


@pytest.fixture
def letter() -> Letter:
    return make_letter()


@pytest.fixture
def hidden() -> Letter:
    return make_letter(published=False)


@pytest.fixture
def campaigner() -> User:
    return make_user(Role.Name.CAMPAIGNER)


@pytest.fixture
def desk(campaigner: User) -> Client:
    browser = Client()
    browser.force_login(campaigner)
    return browser


def invite(letter: Letter, *, name: str = "One", email: str = "a@one.org", language: str = "en") -> Invitation:
    inviting.invite(letter, [Invitee(name=name, email=email, language=language)], by=make_user())
    inviting.send_waiting()
    return letter.invitations.filter(name=name).latest("pk")


def path_of(invited: Invitation, ending: str = "") -> str:
    return urlsplit(invited_links.invited_url(invited)).path + ending


class TestAtTheDesk:
    def test_a_pasted_list_is_looked_at_and_then_sent(self, letter: Letter, desk: Client) -> None:
        text = "Праваабарончы цэнтр; info@centre.org; be\nOne, two / three; a@one.org"
        look = desk.post(INVITE, {"step": "look", "text": text, "language": "ru"})
        assert look.status_code == 200
        assert Invitation.objects.count() == Mail.objects.count() == 0
        seen = {"step": "send", "text": text, "language": "ru", "seen": look.context["choice"].seal}
        answer = desk.post(INVITE, seen, follow=True)
        assert answer.redirect_chain == [(LIST, 302)]
        inviting.send_waiting()
        assert [(i.name, i.email, i.language, i.status) for i in letter.invitations.order_by("pk")] == [
            ("Праваабарончы цэнтр", "info@centre.org", "be", "invited"),
            ("One, two / three", "a@one.org", "ru", "invited"),
        ]
        (mail,) = mails_to("info@centre.org")
        assert mail.language == "be"
        [token] = re.findall(r"/be/invited/([^/\s]+)/\s", mail.body)
        assert invited_links.read(token).invitation == letter.invitations.get(language="be")
        assert "Праваабарончы цэнтр" not in mail.subject + mail.body

    def test_sent_twice_is_mailed_once(self, letter: Letter, desk: Client) -> None:
        text = "\n".join(f"Organisation {number}; a@o{number}.org" for number in range(50))
        for _ in range(2):
            seal = desk.post(INVITE, {"step": "look", "text": text, "language": "en"}).context["choice"].seal
            desk.post(INVITE, {"step": "send", "text": text, "language": "en", "seen": seal})
        for _ in range(3):
            inviting.send_waiting()
        assert Invitation.objects.count() == Mail.objects.count() == 50

    def test_a_wrong_line_holds_back_the_list_and_loses_nothing(self, letter: Letter, desk: Client) -> None:
        text = "One; a@one.org\nTwo, without an address"
        answer = desk.post(INVITE, {"step": "send", "text": text, "language": "en"})
        assert answer.status_code == 422
        assert "There is no e-mail address in this line." in answer.text
        assert text in answer.text
        assert Invitation.objects.count() == 0

    def test_what_was_not_looked_at_is_not_sent(self, letter: Letter, desk: Client) -> None:
        answer = desk.post(INVITE, {"step": "send", "text": "One; a@one.org", "language": "en", "seen": "else"})
        assert "This list has changed since you looked at it." in answer.text
        assert Invitation.objects.count() == 0

    @pytest.mark.parametrize(
        "wrong", [{"language": "tlh"}, {"language": ""}, {"text": "x" * 80_001}, {"organisation": "x"}]
    )
    def test_what_can_not_be_is_said_and_what_was_typed_stays(
        self, letter: Letter, desk: Client, wrong: dict[str, str]
    ) -> None:
        answer = desk.post(INVITE, {"step": "look", "text": "One; a@one.org", "language": "en", **wrong})
        assert answer.status_code == 422
        assert "One; a@one.org" in answer.text or "text" in wrong

    def test_how_long_a_list_may_be_is_said_beside_it(self, letter: Letter, desk: Client) -> None:
        said = "at most 80000 characters are"
        assert "At most 80,000 characters at once, which is about 1,500 organisations." in desk.get(INVITE).text
        longer = desk.post(INVITE, {"step": "look", "text": "ў" * 80_001, "language": "en"})
        assert said in longer.text
        assert "ў" * 80_001 in longer.text
        unread = desk.post(INVITE, {"step": "look", "text": "ў" * 200_000, "language": "en"})
        assert unread.status_code == 413
        assert said in unread.text

    def test_a_form_without_its_token_is_refused(self, letter: Letter, campaigner: User) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(campaigner)
        assert strict.post(INVITE, {"step": "look", "text": "One; a@one.org", "language": "en"}).status_code == 403

    def test_control_characters_are_a_line_s_problem(self, letter: Letter, desk: Client) -> None:
        answer = desk.post(INVITE, {"step": "look", "text": "O\0ne; a@one.org", "language": "en"})
        assert answer.status_code == 422
        assert "Some letters were damaged on the way." in answer.text

    def test_members_are_ticked_in_one_go(self, letter: Letter, desk: Client, campaigner: User) -> None:
        today = timezone.now().date()
        by_mandate = make_organisation(name="Mandated", member_since=today, public_email="info@mandated.org")
        by_mandate.mandated_signers.create(email="chair@mandated.org", mailbox="m", since=today, added_by=campaigner)
        make_organisation(name="Public", member_since=today, public_email="info@public.org")
        signed = make_signature(make_letter(slug="another"), name="Signed", email="s@signed.org", language="ru")
        secret = make_signature(make_letter(slug="third"), name="Secret", email="s@secret.org", visibility="withheld")
        Organisation.objects.filter(pk__in=[signed.organisation_id, secret.organisation_id]).update(member_since=today)
        make_organisation(name="No member", public_email="info@else.org")
        choice = desk.post(INVITE, {"step": "look", "members": "on", "language": "be"}).context["choice"]
        assert {(invitee.name, invitee.email, invitee.language) for invitee in choice.new} == {
            ("Mandated", "chair@mandated.org", "be"),
            ("Public", "info@public.org", "be"),
            ("Signed", "s@signed.org", "ru"),
        }
        assert [organisation.name for organisation in choice.without_address] == ["Secret"]

    def test_what_is_ticked_stays_ticked_while_one_searches(self, letter: Letter, desk: Client) -> None:
        one, two = make_organisation(name="Вясна", acronym="ВС"), make_organisation(name="Two", domains=["two.org"])
        page = desk.post(
            INVITE, {"step": "search", "q": "two.org", "organisation": one.pk, "text": "kept", "language": "en"}
        )
        assert (page.context["ticked"], list(page.context["found"])) == ([one], [two])
        assert "kept" in page.text
        found = desk.post(INVITE, {"step": "search", "q": "вс", "language": "en"}).context["found"]
        assert list(found) == [one]

    def test_who_wants_no_mails_gets_none_of_any_letter(self, letter: Letter, desk: Client) -> None:
        Client().post(path_of(invite(letter), "not-us/"))
        other = make_letter(slug="another")
        page = "/desk/letters/another/invitations/new/"
        choice = desk.post(page, {"step": "look", "text": "Two; A@one.org", "language": "en"}).context["choice"]
        assert (choice.new, [invitee.name for invitee in choice.refused]) == ([], ["Two"])
        assert inviting.invite(other, [Invitee(name="Two", email="a@one.org", language="en")], by=make_user()) == 0

    def test_the_list_counts_and_shows_dates(self, letter: Letter, desk: Client) -> None:
        for name in ("One", "Two", "Three"):
            invite(letter, name=name, email=f"a@{name.lower()}.org")
        Client().post(path_of(letter.invitations.get(name="Two"), "decline/"))
        page = desk.get(LIST)
        assert [(value, count) for value, _label, count in page.context["counts"]] == [("invited", 2), ("declined", 1)]
        assert [i.name for i in desk.get(f"{LIST}?state=declined").context["page"]] == ["Two"]

    def test_the_silent_are_reminded_once(self, letter: Letter, desk: Client) -> None:
        invite(letter)
        declined = invite(letter, name="Two", email="a@two.org")
        Client().post(path_of(declined, "decline/"))
        for _ in range(3):
            desk.post(f"{LIST}chase/")
            inviting.send_waiting()
        assert [len(mails_to(address)) for address in ("a@one.org", "a@two.org")] == [2, 1]
        assert "This is our only reminder." in mails_to("a@one.org")[1].body

    def test_one_is_taken_back(self, letter: Letter, desk: Client) -> None:
        invited = invite(letter)
        path = path_of(invited)
        desk.post(reverse("desk:revoke_invitation", args=[invited.pk]))
        assert [Client().get(path).status_code, Client().post(f"{path}decline/").status_code] == [410, 410]
        again = desk.post(reverse("desk:revoke_invitation", args=[invited.pk]), follow=True)
        assert "has been answered or taken back in the meantime" in again.text
        assert invite(letter).pk != invited.pk, "who was taken back can be invited anew"

    def test_nobody_is_invited_to_a_letter_that_takes_no_signatures(self, letter: Letter, desk: Client) -> None:
        seal = desk.post(INVITE, {"step": "look", "text": "One; a@one.org", "language": "en"}).context["choice"].seal
        Letter.objects.update(status=LetterStatus.CLOSED)
        desk.post(INVITE, {"step": "send", "text": "One; a@one.org", "language": "en", "seen": seal})
        assert Invitation.objects.count() == 0
        assert desk.get(LIST).status_code == 200

    def test_it_waits_while_the_letter_is_closed(self, letter: Letter) -> None:
        inviting.invite(letter, [Invitee(name="One", email="a@one.org", language="en")], by=make_user())
        Letter.objects.update(signing_until=timezone.now().date() - timedelta(days=1))
        inviting.send_waiting()
        assert Mail.objects.count() == 0
        Letter.objects.update(signing_until=timezone.now().date())
        inviting.send_waiting()
        assert Mail.objects.count() == 1

    @pytest.mark.parametrize("role", [Role.Name.TRANSLATOR, Role.Name.SENDER, Role.Name.REVIEWER])
    def test_only_campaigners_invite(self, letter: Letter, role: Role.Name) -> None:
        browser = Client()
        browser.force_login(make_user(role, language="be" if role == Role.Name.TRANSLATOR else ""))
        assert [browser.get(LIST).status_code, browser.post(INVITE).status_code] == [403, 403]


class TestTheLink:
    def test_it_opens_the_letter_and_changes_nothing(self, hidden: Letter) -> None:
        invited = invite(hidden)
        events = Event.objects.count()
        answer = Client().get(path_of(invited))
        assert answer.status_code == 200
        assert hidden.title in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert Event.objects.count() == events

    def test_it_names_no_signatory_of_a_letter_that_is_not_public(self, hidden: Letter) -> None:
        make_signature(hidden, name="A public signatory")
        make_signature(hidden, name="A withheld signatory", visibility="withheld")
        page = Client().get(path_of(invite(hidden))).text
        assert "This letter has 2 signatories so far." in " ".join(page.split())
        assert "signatory" not in page.replace("Signatories", "").replace("signatories", "")

    @pytest.mark.parametrize("ending", ["decline/", "not-us/"])
    def test_an_answer_given_twice_is_noted_once(self, letter: Letter, ending: str) -> None:
        invited = invite(letter)
        for _ in range(2):
            answer = Client().post(path_of(invited, ending), follow=True)
            assert "Your answer is noted" in answer.text
        invited.refresh_from_db()
        assert invited.status == InvitationStatus.DECLINED
        assert Event.objects.about(invited).filter(target=InvitationStatus.DECLINED).count() == 1
        assert invited.no_more_mails == (ending == "not-us/")

    def test_get_declines_nothing(self, letter: Letter) -> None:
        invited = invite(letter)
        assert [Client().get(path_of(invited, ending)).status_code for ending in ("decline/", "not-us/")] == [405, 405]

    def test_the_answer_says_nothing_of_a_signature(self, letter: Letter) -> None:
        """Whoever reads the mailbox of an invitation need not be who signed, and may be who must not know."""
        invited, other = invite(letter), invite(letter, name="Two", email="a@two.org")
        Invitation.objects.filter(pk=other.pk).update(status=InvitationStatus.SIGNED)
        for answer in (
            lambda i: Client().get(path_of(i)),
            lambda i: Client().post(path_of(i, "decline/"), follow=True),
        ):
            pages = [re.sub(r"/invited/[^/\"]+|value=.*?>", "…", answer(i).text) for i in (invited, other)]
            assert pages[0] == pages[1]
        other.refresh_from_db()
        assert other.status == InvitationStatus.SIGNED

    @pytest.mark.parametrize("token", ["nothing", "a:b:c", "%00", "x" * 300, "%F0%9F%92%A9", "..%2F"])
    def test_a_foreign_token_gets_a_clear_page(self, letter: Letter, token: str) -> None:
        for path in (f"/en/invited/{token}/", f"/en/not-us/{token}/"):
            assert Client().get(path).status_code == 404

    def test_links_of_other_purposes_open_nothing(self, letter: Letter) -> None:
        signature = make_signature(letter)
        token = urlsplit(invited_links.not_us_url(signature, "en")).path.split("/")[-2]
        assert Client().get(f"/en/invited/{token}/").status_code == 404


class TestPrivateLinks:
    def test_made_labelled_and_taken_back_at_once(self, hidden: Letter, desk: Client) -> None:
        assert desk.post(f"{LIST}link/", {"label": " "}).status_code == 422
        page = desk.post(f"{LIST}link/", {"label": "Members"}, follow=True).text
        link = PrivateLink.objects.get()
        assert (link.label, f"/ru/invited/{link.token}/" in page) == ("Members", True)
        assert hidden.title in Client().get(f"/en/invited/{link.token}/").text
        desk.post(reverse("desk:revoke_link", args=[link.pk]))
        taken_back = Client().get(f"/en/invited/{link.token}/")
        assert (taken_back.status_code, hidden.title in taken_back.text) == (410, False)
        assert link.token not in desk.get(LIST).text

    def test_nothing_to_decline_there(self, hidden: Letter) -> None:
        link = make_private_link(hidden, label="Members", by=make_user())
        assert "We will not sign" not in Client().get(f"/en/invited/{link.token}/").text
        assert Client().post(f"/en/invited/{link.token}/decline/").status_code == 302

    def test_the_letter_stays_hidden_without_it(self, hidden: Letter) -> None:
        make_private_link(hidden, label="Members", by=make_user())
        assert Client().get(f"/en/letters/{hidden.slug}/sign/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_workers_who_look_at_once_mail_each_once(letter: Letter) -> None:
    invitees = [Invitee(name=f"O {number}", email=f"a@o{number}.org", language="en") for number in range(20)]
    inviting.invite(letter, invitees, by=make_user())

    def at_once(act: Callable[[], int]) -> int:
        def done(_: int) -> int:
            try:
                return act()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            return sum(pool.map(done, range(4)))

    assert at_once(inviting.send_waiting) == 20
    inviting.chase(letter, by=make_user())
    assert at_once(inviting.send_waiting) == 20
    assert Mail.objects.count() == 40


class TestSigning:
    def test_the_form_is_filled_in_with_what_is_known(self, hidden: Letter) -> None:
        known = make_organisation(
            name="Праваабарончы цэнтр", name_ru="Правозащитный центр", country="LT", website="https://centre.org"
        )
        invitee = Invitee(name="Праваабарончы цэнтр", email="a@centre.org", language="be", organisation=known)
        inviting.invite(hidden, [invitee], by=make_user())
        inviting.send_waiting()
        form = Client().get(path_of(hidden.invitations.get(), "sign/")).context["form"]
        filled = {name: form[name].value() for name in ("name", "name_ru", "country", "website", "representative")}
        assert filled == {
            "name": "Праваабарончы цэнтр",
            "name_ru": "Правозащитный центр",
            "country": "LT",
            "website": "https://centre.org",
            "representative": None,
        }
        assert form["visibility"].value() is None, "nothing is chosen for anybody"

    def test_signing_through_the_link_answers_the_invitation_once_confirmed(self, letter: Letter) -> None:
        invited = invite(letter)
        answer = Client().post(path_of(invited, "sign/"), stated(letter, email="else@another.org"))
        assert answer.status_code == 302
        signature = letter.signatures.get()
        assert (signature.invitation, signature.status) == (invited, "unconfirmed")
        invited.refresh_from_db()
        assert invited.status == InvitationStatus.INVITED
        services.confirm(signature, shown=services.fingerprint(signature))
        invited.refresh_from_db()
        assert (invited.status, invited.answered_at is not None) == (InvitationStatus.SIGNED, True)
        assert inviting.chaseable(letter).count() == 0

    def test_signing_without_the_link_answers_it_too(self, letter: Letter) -> None:
        by_mailbox = invite(letter, name="Other words for it", email="A+list@one.org")
        by_name = invite(letter, name="ONE", email="chair@one.org")
        signature = services.sign(letter, letter.version, signing(name="One", email="a@one.org"))
        services.confirm(signature, shown=services.fingerprint(signature))
        assert [Invitation.objects.get(pk=i.pk).status for i in (by_mailbox, by_name)] == ["signed", "invited"]
        services.approve(signature, by=make_user(Role.Name.REVIEWER))
        assert [Invitation.objects.get(pk=i.pk).status for i in (by_mailbox, by_name)] == ["signed", "signed"]

    def test_who_declined_may_still_sign(self, letter: Letter) -> None:
        invited = invite(letter)
        Client().post(path_of(invited, "decline/"))
        signature = services.sign(letter, letter.version, signing(name="One", email="a@one.org"), invitation=invited)
        services.confirm(signature, shown=services.fingerprint(signature))
        invited.refresh_from_db()
        assert invited.status == InvitationStatus.SIGNED

    def test_a_private_link_opens_the_form_of_a_letter_that_is_not_public(self, hidden: Letter) -> None:
        link = make_private_link(hidden, label="Members", by=make_user())
        path = f"/en/invited/{link.token}/sign/"
        assert Client().get(path).status_code == 200
        answer = Client().post(path, stated(hidden), follow=True)
        assert (answer.status_code, hidden.signatures.count()) == (200, 1)
        confirm = urlsplit(links.confirm_url(hidden.signatures.get())).path
        Client().post(confirm, {"shown": services.fingerprint(hidden.signatures.get())})
        assert hidden.signatures.get().status == "pending"
        own = Client().get(urlsplit(links.own_url(hidden.signatures.get())).path)
        assert own.status_code == 200
        wrong = Client().post(path, stated(hidden, name=""))
        assert (wrong.status_code, "jane@one.org" in wrong.text) == (422, True)
        Letter.objects.update(status=LetterStatus.CLOSED)
        assert [Client().get(path).status_code, Client().post(path, stated(hidden)).status_code] == [410, 410]


def signing(**columns: str) -> Signing:
    stated = {"visibility": "public", "country": "BY", "website": "", "representative": "Jane", "role": "Chair"}
    return Signing(names={}, language="en", **{**stated, **columns})


def stated(letter: Letter, **columns: str) -> dict[str, str]:
    return {
        "visibility": "public",
        "name": "One",
        "country": "BY",
        "representative": "Jane Example",
        "role": "Chair",
        "email": "jane@one.org",
        "consent": "on",
        "authority": "on",
        "version": str(letter.version.pk),
        **columns,
    }
