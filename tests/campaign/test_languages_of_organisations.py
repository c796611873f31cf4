"""Belarusian and Russian where organisations are invited, known, recorded for, and object."""

from datetime import date
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User
from campaign.demo.load import load_letter
from letters.models import Letter
from letters.services import make_private_link
from letters.states import LetterStatus
from mailing.models import Mail
from signatories import invited_links, organisation_emails
from signatories.models import Invitation, Organisation, Signature
from signatories.services import evidence, inviting, registry
from signatories.services.inviting import Invitee
from signatories.states import InvitationStatus, OrganisationStatus, SignatureStatus
from tests.campaign.test_languages import Reader, assert_speaks, in_each_language
from tests.factories import PASSWORD, make_organisation, make_signature, make_user

pytestmark = pytest.mark.django_db
NAMES = {"be": "Арганізацыя", "ru": "Организация"}


@pytest.fixture
def letter() -> Letter:
    return load_letter(by=make_user())


def at_desk(language: str) -> Reader:
    user = make_user(Role.Name.CAMPAIGNER)
    User.objects.filter(pk=user.pk).update(language=language)
    reader = Reader(language)
    reader.client.login(username=user.email, email=user.email, password=PASSWORD)
    return reader


def known(number: int, **columns: object) -> Organisation:
    names = {f"name_{language}": f"{name} {number}" for language, name in NAMES.items()}
    return make_organisation(name=f"Арганізацыя {number}", **names, **columns)


def invited(letter: Letter, language: str, number: int = 1) -> Invitation:
    invitee = Invitee(name=f"Арганізацыя {number}", email=f"a@o{number}.org", language=language)
    inviting.invite(letter, [invitee], by=make_user())
    inviting.send_waiting()
    return letter.invitations.latest("pk")


class TestInviting:
    @in_each_language
    def test_at_the_desk(self, letter: Letter, language: str) -> None:
        reader = at_desk(language)
        page, new = (reverse(f"desk:{name}", args=[letter.slug]) for name in ("invitations", "invite"))
        reader.get(page)
        reader.get(new)
        for number in range(2):
            known(number, member_since=date(2019, 5, 1), public_email="" if number else "info@o0.org")
        wrong = (
            "Арганізацыя\na@o.org b@o.org\na@o.org\nАрганізацыя 3; a@o.org; ???\nА; a@o\n" + "А" * 2001 + "; a@o.org"
        )
        reader.post(new, {"step": "search", "q": "???", "language": "be"})
        reader.post(new, {"step": "look", "language": "tlh"}, status=422)
        reader.post(new, {"step": "look", "language": "be", "text": wrong}, status=422)
        reader.post(new, {"step": "look", "language": "be", "text": "А; a@a.org\nа; a@a.org"}, status=422)
        reader.post(new, {"step": "look", "language": "be", "text": "А" * 80_001}, status=422)
        stated = {"step": "send", "language": "be", "members": "on", "text": "Арганізацыя 3; a@o3.org"}
        seal = reader.post(new, stated).context["choice"].seal
        reader.post(new, {**stated, "seen": seal})
        inviting.send_waiting()
        Invitation.objects.filter(name="Арганізацыя 3").update(no_more_mails=True)
        reader.post(new, {**stated, "step": "look"})
        reader.post(new, {**stated, "step": "look", "text": "Арганізацыя 4; a@o3.org"})
        reader.get(page)
        self._acts(reader, letter, page)

    def _acts(self, reader: Reader, letter: Letter, page: str) -> None:
        chase = reverse("desk:chase", args=[letter.slug])
        for _ in range(2):
            reader.post(chase)
        pk = letter.invitations.silent()[0].pk
        for _ in range(2):
            reader.post(reverse("desk:revoke_invitation", args=[pk]))
        reader.post(reverse("desk:make_link", args=[letter.slug]), {"label": ""}, status=422)
        reader.post(reverse("desk:make_link", args=[letter.slug]), {"label": "Кааліцыя"})
        reader.post(reverse("desk:revoke_link", args=[letter.private_links.get().pk]))
        for status in InvitationStatus.values:
            Invitation.objects.filter(pk=pk).update(status=status)
            reader.get(f"{page}?state={status}")
        Letter.objects.update(status=LetterStatus.CLOSED)
        reader.get(page)
        reader.post(chase)

    @in_each_language
    def test_behind_the_links(self, letter: Letter, language: str) -> None:
        reader, invitation = Reader(language), invited(letter, language)
        path = urlsplit(invited_links.invited_url(invitation)).path
        private = urlsplit(
            invited_links.private_url(make_private_link(letter, label="…", by=make_user()), language)
        ).path
        for published in (None, timezone.now()):
            for status in LetterStatus.values:
                Letter.objects.update(status=status, published_at=published, signing_until=date(2999, 1, 1))
                for page in (path, private):
                    reader.get(page)
                    reader.get(f"{page}sign/", status=200 if status == LetterStatus.OPEN else 410)
        Letter.objects.update(status=LetterStatus.OPEN)
        reader.get(f"{path}sign/sent/")
        reader.post(f"{path}sign/", status=422)
        reader.post(f"{path}decline/")
        reader.post(f"{path}not-us/")
        reader.get(f"/{language}/invited/nothing/", status=404)
        Invitation.objects.update(status=InvitationStatus.REVOKED)
        reader.get(path, status=410)

    @in_each_language
    def test_mails(self, letter: Letter, language: str) -> None:
        signature, reviewer = make_signature(letter, language=language), make_user()
        User.objects.filter(pk=reviewer.pk).update(language=language)
        reviewer.refresh_from_db()
        for published in (None, timezone.now()):
            Letter.objects.update(published_at=published, signing_until=date(2999, 1, 1))
            invitation = invited(Letter.objects.get(), language, number=2 if published else 1)
            organisation_emails.chaser(invitation)
        organisation_emails.notice(signature, "info@o.org", language=language)
        organisation_emails.objection(signature, reviewer)
        assert Mail.objects.count() == 6
        for mail in Mail.objects.all():
            assert mail.language == language
            assert_speaks(language, f"{mail.subject} {mail.body}")


class TestObjecting:
    @in_each_language
    def test_this_is_not_us(self, letter: Letter, language: str) -> None:
        known(1)
        signature = make_signature(letter, name="Арганізацыя 1", status=SignatureStatus.PENDING)
        reader, path = Reader(language), urlsplit(invited_links.not_us_url(signature, language)).path
        reader.get(path)
        reader.post(path)
        Signature.objects.update(visibility=Signature.Visibility.WITHHELD)
        reader.get(path, status=404)


class TestRegistry:
    @in_each_language
    def test_at_the_desk(self, letter: Letter, language: str) -> None:
        reader = at_desk(language)
        everyone, add = reverse("desk:organisations"), reverse("desk:add_organisation")
        reader.get(everyone)
        reader.get(add)
        reader.post(add, {"domains": "gmail.com", "member_since": "x", "public_email": "a@b"}, status=422)
        reader.post(add, {"name": "А", "country": "BY", "domains": "???", "member_since": "0001-01-01"}, status=422)
        reader.post(add, {"name": "Арганізацыя", "country": "BY"})
        reader.post(add, {"name": "Арганізацыя", "country": "BY"}, status=422)
        reader.get(f"{everyone}?q=zzz&only=locked")
        one, other = Organisation.objects.get(), known(2)
        Organisation.objects.filter(pk=one.pk).update(name_be=NAMES["be"], name_ru=NAMES["ru"])
        self._page(reader, letter, one)
        self._merge(reader, letter, one, other)

    def _page(self, reader: Reader, letter: Letter, one: Organisation) -> None:
        page = reverse("desk:organisation", args=[one.pk])
        reader.get(page)
        reader.post(f"{page}names/", {"name": ""}, status=422)
        reader.post(f"{page}names/", {"name": "Іншая", "language": "be"})
        reader.post(f"{page}mandates/", {"since": "2020-01-01", "until": "2019-01-01"}, status=422)
        reader.post(f"{page}mandates/", {"name": "Імя", "email": "a@one.org", "since": "2020-01-01"})
        reader.post(reverse("desk:end_mandate", args=[one.mandated_signers.get().pk]))
        reader.post(reverse("desk:remove_alias", args=[one.aliases.get().pk]))
        evidence.assess(make_signature(letter, name=f"{one.name} (1)", status="pending"))
        for verb in ("lock", "lock", "lock/too", "unlock", "unlock", "lock"):
            reader.get(f"{page}lock/")
            reader.post(f"{page}{verb}/")
        change = reverse("desk:change_organisation", args=[one.pk])
        reader.get(change)
        reader.post(change, {"name": "Арганізацыя", "country": "BY", "acronym": "А"})

    def _merge(self, reader: Reader, letter: Letter, one: Organisation, other: Organisation) -> None:
        merge, look = (reverse("desk:merge", args=[one.pk, other.pk]), reverse("desk:merge_with", args=[one.pk]))
        for query in ("", "?q=2", "?q=zzz"):
            reader.get(f"{look}{query}")
        reader.post(merge)
        signed = [make_signature(letter, name=row.name, organisation=row) for row in (one, other)]
        Signature.objects.filter(pk=signed[0].pk).update(organisation=one)
        Signature.objects.filter(pk=signed[1].pk).update(organisation=other)
        reader.get(merge, status=409)
        reader.post(merge, {"stays": one.pk}, status=409)
        Signature.objects.filter(pk=signed[1].pk).update(status=SignatureStatus.WITHDRAWN)
        reader.post(merge, {"stays": one.pk})
        reader.get(reverse("desk:organisation", args=[other.pk]))
        reader.post(reverse("desk:organisation", args=[other.pk]) + "names/", {"name": "Імя"})
        assert Organisation.objects.get(pk=other.pk).status == OrganisationStatus.MERGED

    @in_each_language
    def test_tables(self, language: str) -> None:
        reader, page = at_desk(language), reverse("desk:import_organisations")
        reader.get(page)
        tables = (
            ("organisation;country\nА;???\nБ;\nВ;BY\nв;BY\n", 422),
            ("x\ny\n", 422),
            ("organisation;country\nА;BY\n", 200),
        )
        for text, status in tables:
            for step in ("check", "import"):
                file = SimpleUploadedFile("table.csv", text.encode())
                reader.post(page, {"file": file, "step": step}, status=status)
        reader.post(page, {}, status=422)


class TestRecording:
    @in_each_language
    def test_at_the_desk(self, letter: Letter, language: str) -> None:
        reader, page = at_desk(language), reverse("desk:record", args=[letter.slug])
        reader.get(page)
        stated = {
            "via": "mail", "version": letter.version.pk, "visibility": "public", "name": "Арганізацыя", "country": "BY",
            "representative": "Імя", "email": "a@one.org", "language": "be", "known_by": "paper", "note": "Папера",
        }  # fmt: skip
        reader.post(page, {}, status=422)
        reader.post(page, {**stated, "note": ""}, status=422)
        reader.post(page, {**stated, "known_by": "announcement", "dated": "2999-01-01"}, status=422)
        reader.post(page, stated)
        reader.post(page, stated, status=422)
        reader.post(page, {**stated, "name": "Іншая", "visibility": "withheld"})
        Letter.objects.update(status=LetterStatus.DRAFT)
        reader.get(reverse("desk:letter", args=[letter.slug]))
        assert {code for code, _name in settings.LANGUAGES} >= {language}
        assert registry.search(Organisation.objects.live(), "Іншая").count() == 0
