"""Belarusian and Russian are complete: whoever reads in them meets no English sentence of the interface."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from django.conf import settings as configured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.emails import NOTICES, notice
from accounts.models import Role, User
from campaign import catalogues, charts
from campaign.demo.load import load_letter
from dispatch import emails as dispatch_emails
from dispatch import pdf, record, verification
from dispatch.desk_deliveries import UNSEALED
from dispatch.desk_forms import RecipientForm
from dispatch.inspection import Busy, Seal
from dispatch.models import (
    Channel,
    Covering,
    Delivery,
    Dispatch,
    DryRun,
    Edition,
    Evidence,
    Notice,
    Recipient,
    Reply,
    Waiver,
    Wording,
)
from dispatch.seal import DEMONSTRATION
from dispatch.services import dispatches, outcomes
from dispatch.services.dry_runs import Trouble
from dispatch.states import DeliveryStatus, DispatchStatus, DryRunStatus, EditionStatus
from ledger.services import witness
from letters.content import structure, words, working
from letters.forms import field_name
from letters.models import Letter, Version
from letters.press import counted
from letters.services import digest as digest_of
from letters.services import save_version
from letters.states import LetterStatus
from mailing.models import Mail
from mailing.refusals import Refusal
from publishing.models import Mirror
from publishing.pages import pages
from signatories import digest, emails, links, services
from signatories.desk import queue
from signatories.desk.rows import rows
from signatories.models import Correction, Import, Organisation, Signature
from signatories.queries import Copy
from signatories.services.evidence import assess, write_name_keys
from signatories.services.secrets import new_secret, secret_index
from signatories.states import HandoverStatus, ImportStatus, SignatureStatus
from tests.accounts.test_second_factor import code_of
from tests.campaign.test_pages import seal_without_typesetting
from tests.dispatch.sending import authorise, dossier_of, waive_all
from tests.factories import PASSWORD, make_edition, make_letter, make_signature, make_signatures_of_demo, make_user
from tests.tools import mails_to, text_of

pytestmark = pytest.mark.django_db
in_each_language = pytest.mark.parametrize("language", catalogues.languages())

PLACEHOLDER_LEFT = re.compile(r"%\(\w+\)|\{\w+\}|\{\{|\{%")
SHOWN_ATTRIBUTES = ("alt", "aria-label", "title", "placeholder", "data-label")
CODES_AND_KEYS = ("mfa_generate_recovery_codes", "mfa_add_webauthn")
VOID = {"meta", "link", "input", "br", "img", "hr"}


class Reading(HTMLParser):
    """What a page says in its own language: text and attributes, without what stands there in another one."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.language, self.said, self._open = "", [], []  # type: ignore[var-annotated]
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        language = attributes.get("lang") or (self._open[-1] if self._open else "")
        if tag == "html":
            self.language = language or ""
        if language == self.language:
            self.said += [attributes[name] for name in SHOWN_ATTRIBUTES if attributes.get(name)]
            if attributes.get("name") == "description":
                self.said.append(attributes["content"])
        if tag not in VOID:
            self._open.append(language)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == self.language:
            self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())


@cache
def english_phrases() -> frozenset[str]:
    """The longest piece between the placeholders of every string, if it has at least two words."""
    phrases = set()
    for message in catalogues.marked():
        for original in (message.id,) if isinstance(message.id, str) else message.id:
            pieces = [" ".join(piece.split()) for piece in catalogues.PLACEHOLDER.split(original)]
            longest = max(pieces, key=len)
            if len(re.findall(r"[A-Za-z]{2,}", longest)) >= 2:
                phrases.add(longest)
    return frozenset(phrases)


def english_in(text: str) -> list[str]:
    there = (phrase for phrase in english_phrases() if phrase in text)  # for most of them, this is quick to see
    return sorted(phrase for phrase in there if re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text))


def assert_speaks(language: str, text: str) -> None:
    assert re.search("[а-яё]", text), "nothing is said"
    assert english_in(text) == []
    assert PLACEHOLDER_LEFT.findall(text) == []


class Reader:
    """Somebody who reads in one language, and checks every page that opens."""

    def __init__(self, language: str, **options: Any) -> None:
        self.language = language
        self.client = Client(headers={"accept-language": language}, **options)

    def get(self, path: str, status: int = 200) -> Any:
        return self._checked(self.client.get(path), status)

    def post(self, path: str, data: dict[str, Any] | None = None, status: int = 200, **options: Any) -> Any:
        """Press a button, and follow to the page that it leads to."""
        return self._checked(self.client.post(path, data or {}, follow=True, **options), status)

    def _checked(self, response: Any, status: int) -> Any:
        assert response.status_code == status
        page = Reading(response.text)
        assert page.language == self.language
        assert_speaks(self.language, page.text)
        return response


@pytest.fixture
def letter() -> Letter:
    letter = load_letter(by=make_user())
    make_signatures_of_demo(letter)
    return letter


def sealed_edition(letter: Letter) -> Edition:
    edition = make_edition(letter)
    seal_without_typesetting(edition)
    return edition


class TestCatalogues:
    @in_each_language
    def test_every_string_is_translated(self, language: str) -> None:
        assert list(catalogues.problems(language)) == []

    @in_each_language
    def test_letters_and_signs_are_those_of_the_language(self, language: str) -> None:
        foreign = {"be": "[иИщЩъЪ]", "ru": "[іІўЎ]"}[language]
        mixed = r"[A-Za-z][а-яёіўА-ЯЁІЎ]|[а-яёіўА-ЯЁІЎ][A-Za-z]"
        straight_quotes, wrong_dash, shouting = "[\"'“”]", r"(?<!\xa0)—|—(?! )|\s[-–]\s", r"!"
        wrong = re.compile("|".join([foreign, mixed, straight_quotes, wrong_dash, shouting]))
        assert [text for text in translations(language) if wrong.search(catalogues.PLACEHOLDER.sub("", text))] == []

    @in_each_language
    def test_numbers_take_the_right_form(self, language: str) -> None:
        forms = {
            "be": ["1 арганізацыя", "2 арганізацыі", "5 арганізацый", "11 арганізацый", "21 арганізацыя",
                   "22 арганізацыі", "25 арганізацый"],
            "ru": ["1 организация", "2 организации", "5 организаций", "11 организаций", "21 организация",
                   "22 организации", "25 организаций"],
        }[language]  # fmt: skip
        numbers = [1, 2, 5, 11, 21, 22, 25]
        with translation.override(language):
            assert [counted(number).replace("\N{NO-BREAK SPACE}", " ") for number in numbers] == forms
            for number, form in zip(numbers, forms, strict=True):
                assert form in render_to_string("signatories/_list.html", {"signatories": {"count": number}})

    def test_months_stand_in_the_genitive_of_the_official_orthography(self) -> None:
        with translation.override("be"):
            months = [date_format(date(2020, month, 5)) for month in range(1, 13)]
        assert months[7] == "5 жніўня 2020 г."
        names = "студзеня лютага сакавіка красавіка мая чэрвеня ліпеня жніўня верасня кастрычніка лістапада снежня"
        assert [month.split()[1] for month in months] == names.split()
        with translation.override("ru"):
            assert date_format(date(2020, 8, 5)) == "5 августа 2020 г."

    def test_an_english_page_would_be_noticed(self, letter: Letter) -> None:
        page = Reading(Client().get(letter_path("en")).text)
        assert page.language == "en"
        assert "Sign this letter" in english_in(page.text)
        assert len(english_in(page.text)) > 10


class TestPublicPages:
    @in_each_language
    def test_all_of_them(self, letter: Letter, language: str) -> None:
        reader = Reader(language)
        for state in ("signed", "edition", "accepted", "newer edition", "closed", "draft"):
            self._bring_to(letter, state)
            for page in (page for page in pages() if page.content_type.startswith("text/html")):
                for keys in page.addresses():
                    reader.get(page.address(language, **keys))

    @in_each_language
    def test_after_a_signatory_left(self, letter: Letter, language: str) -> None:
        sealed_edition(letter)
        letter.signatures.filter(pk=letter.signatures.approved()[3].pk).update(status=SignatureStatus.WITHDRAWN)
        reader = Reader(language)
        reader.get(letter_path(language))
        reader.get(letter_path(language) + "editions/1/")
        reader.get(letter_path(language) + "letter.pdf", status=410)

    @in_each_language
    def test_a_site_and_a_letter_with_nothing_yet(self, language: str) -> None:
        reader = Reader(language)
        reader.get(f"/{language}/")
        letter = make_letter(signing_until=date(2999, 1, 31))
        reader.get(letter_path(language))
        make_signature(letter, visibility=Signature.Visibility.WITHHELD)
        reader.get(letter_path(language))

    @in_each_language
    def test_checking_a_copy(self, letter: Letter, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
        reader, verify = Reader(language), f"/{language}/verify/"
        reader.get(verify)
        reader.post(verify, status=422)
        for wrong in ("", "abc", "0" * 63):
            reader.post(verify, {"sha256": wrong}, status=422)
        for data, status in ((b"", 422), (b"x", 200), (bytes(verification.LIMIT + 1), 413)):
            reader.post(verify, {"copy": SimpleUploadedFile("letter.pdf", data)}, status=status)
        file, said = sealed_edition(letter).files.get(language=language), set()
        monkeypatch.setattr(verification, "of_checksum", lambda checksum: verdict)
        for outcome in verification.Outcome:
            for of, one in ((None, None), (file, None), *((file, one) for one in SEALS)):
                verdict = verification.Verdict(outcome, of, one, sha256="0" * 64)
                reader.post(verify, {"sha256": "0" * 64})
                said |= {verdict.heading, verdict.explanation, *verdict.about_the_seal}
        assert len(said) == 4 + len(verification.Outcome) + 6
        assert_speaks(language, " ".join(said))
        monkeypatch.setattr(verification, "of_copy", lambda data: _raise(Busy))
        reader.post(verify, {"copy": SimpleUploadedFile("letter.pdf", b"x")}, status=503)

    @in_each_language
    def test_errors(self, letter: Letter, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
        reader = Reader(language, raise_request_exception=False)
        sign = letter_path(language) + "sign/"
        reader.get(f"/{language}/nothing/", status=404)
        reader.post(sign, {"name": "x" * (configured.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)}, status=400, content_type=FORM)
        Reader(language, enforce_csrf_checks=True).post(sign, status=403)
        monkeypatch.setattr("signatories.views.signing.as_it_stands", lambda slug: 1 / 0)
        reader.get(sign, status=500)

    def _bring_to(self, letter: Letter, state: str) -> None:
        if state.endswith("edition"):
            sealed_edition(letter)
            Edition.objects.filter(number__lt=letter.editions.count()).update(status=EditionStatus.SUPERSEDED)
        elif state == "accepted":
            dispatches.prepare(letter.editions.get(), by=make_user())
            Delivery.objects.update(status=DeliveryStatus.ACCEPTED, settled_at=letter.published_at)
            Letter.objects.update(is_demonstration=False)
        elif state in LetterStatus.values:
            Letter.objects.update(status=state)


class TestSignersPages:
    @in_each_language
    def test_the_form_and_what_it_says_of_mistakes(self, letter: Letter, language: str) -> None:
        reader, sign = Reader(language), letter_path(language) + "sign/"
        reader.get(sign)
        reader.post(sign, status=422)
        version = letter.version.pk
        stated = {"visibility": "public", "country": "BY", "consent": "on", "authority": "on", "version": version}
        for field, values in WRONG.items():
            for value in values:
                response = reader.post(sign, {**stated, field: value}, status=422)
                assert field in response.context["form"].errors
        Letter.objects.update(status=LetterStatus.CLOSED)
        reader.get(sign, status=410)
        Letter.objects.update(status=LetterStatus.DRAFT)
        reader.get(sign, status=410)
        reader.get(f"{sign}sent/")

    @in_each_language
    def test_the_text_changed_while_the_form_was_open(self, letter: Letter, language: str) -> None:
        old = letter.version
        old.pk, old.number = None, 2
        old.save()
        first = letter.versions.get(number=1)
        response = Reader(language).post(letter_path(language) + "sign/", {"version": first.pk}, status=422)
        assert "version" in response.context["form"].errors

    @in_each_language
    def test_the_links_of_the_mails(self, letter: Letter, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
        reader, names, secret = Reader(language), {"be": "Арганізацыя", "ru": "Организация"}, new_secret()
        signature = make_signature(letter, names=names, language=language)
        letter.signatures.filter(pk=signature.pk).update(status=SignatureStatus.UNCONFIRMED)
        every = (links.confirm_url, links.own_url, links.withdraw_url)
        confirm, own, withdraw = (urlsplit(link(signature)).path for link in every)
        reader.post(confirm, {"shown": "something else"}, status=409)
        for status in SignatureStatus.values:
            for visibility in Signature.Visibility.values:
                reason = Signature.Reason.SCOPE if status == SignatureStatus.REJECTED else ""
                letter.signatures.filter(pk=signature.pk).update(status=status, visibility=visibility, reason=reason)
                letter.signatures.filter(pk=signature.pk).update(secret_index=secret_index(secret))
                for page in (confirm, own, withdraw):
                    reader.get(page)
                if visibility == Signature.Visibility.WITHHELD:
                    reader.post(f"/{language}/signatures/secret/", {"secret": secret, "next": confirm})
                    for page in (confirm, own, withdraw):
                        reader.get(page)
                    reader.client.logout()
        for purpose in ("confirm", "own", "withdraw", "take-over"):
            reader.get(f"/{language}/signatures/{purpose}/nothing/", status=404)
        monkeypatch.setattr(links, "CONFIRM_WITHIN", timedelta(seconds=-1))
        reader.get(confirm, status=410)

    @in_each_language
    def test_what_can_be_changed(self, letter: Letter, language: str) -> None:
        reader, names = Reader(language), {"be": "Арганізацыя", "ru": "Организация"}
        signature = make_signature(letter, names=names, language=language, representative="Прыклад", role="Старшыня")
        own = urlsplit(links.own_url(signature)).path
        for page, wrong in (("correct/", {"name": "x" * 251}), ("hand-over/", {"email": "nobody"})):
            reader.get(own + page)
            reader.post(own + page, status=422)
            reader.post(own + page, wrong, status=422)
        stated = {"name": "Organisation", "country": "PL", "representative": "Прыклад", "role": "Дырэктар"}
        reader.post(f"{own}correct/", stated)
        other = {"representative": "Іншы", "role": "Дырэктар", "email": "new@example.org", "language": language}
        for _ in range(3):
            reader.post(f"{own}hand-over/", other)
        reader.post(f"{own}hand-over/", other, status=422)
        handover = signature.handovers.get(status=HandoverStatus.OFFERED)
        take_over = urlsplit(links.take_over_url(handover)).path
        reader.get(take_over)
        reader.post(take_over)
        reader.post(take_over, status=404)
        services.withdraw(letter.signatures.get(pk=signature.pk), copies=[Copy(1, "Установа", "прынята", None)])
        make_mirror("https://mirror.example.org")
        signature.refresh_from_db()
        reader.get(urlsplit(links.own_url(signature)).path)
        reader.get(urlsplit(links.withdraw_url(signature)).path)

    @in_each_language
    def test_what_is_behind_a_secret_and_what_is_locked(self, letter: Letter, language: str) -> None:
        reader = Reader(language)
        signature = make_signature(letter, visibility=Signature.Visibility.WITHHELD, language=language)
        handover = services.hand_over(
            signature, representative="Іншы", role="Дырэктар", email="new@example.org", language=language
        )
        take_over = urlsplit(links.take_over_url(handover)).path
        reader.get(take_over)
        secret = services.issue_new_secret(signature, by=make_user())
        page = f"/{language}/signatures/secret/"
        reader.get(page)
        reader.post(page, status=422)
        reader.post(page, {"secret": "wrong"}, status=422)
        reader.post(page, {"secret": secret, "next": take_over})
        reader.post(take_over)
        assert signature.organisation
        services.lock(signature.organisation, by=make_user())
        signature.refresh_from_db()
        for link in (links.own_url, links.confirm_url):
            reader.get(urlsplit(link(signature)).path, status=403)
        reader.get(urlsplit(links.withdraw_url(signature)).path)
        for _ in range(12):
            reader.client.post(page, {"secret": "wrong"})
        reader.post(page, {"secret": "wrong"}, status=429)

    @in_each_language
    def test_with_a_code(self, letter: Letter, language: str) -> None:
        reader, account = Reader(language), f"/{language}/signatures/"
        make_signature(letter, email="signer@example.org", names={"be": "Арганізацыя", "ru": "Организация"})
        make_letter(slug="another", **{f"title_{code}": "Ліст" for code in ("be", "ru")})
        reader.get(account)
        reader.post(account, status=422)
        reader.post(account, {"email": "signer@example.org"})
        reader.post(f"{account}code/", status=422)
        reader.post(f"{account}code/", {"code": "wrong"}, status=422)
        found = re.search(r"\b[A-Z]{4}-[A-Z]{4}\b", Mail.objects.get().body)
        assert found
        page = reader.post(f"{account}code/", {"code": found[0]})
        [(signature, [other])] = page.context["open_to"]
        reader.get(f"{account}{signature.pk}/")
        co_sign = f"{account}{signature.pk}/co-sign/{other.slug}/"
        reader.get(co_sign)
        reader.post(co_sign, status=422)
        Letter.objects.filter(pk=other.pk).update(status=LetterStatus.CLOSED)
        reader.get(co_sign, status=410)
        reader.post(f"{account}sign-out/")
        reader.get(co_sign, status=404)
        reader.post(account, {"email": "signer@example.org"})
        for _ in range(3):
            answer = reader.client.post(f"{account}code/", {"code": "wrong"})
        assert_speaks(language, Reading(answer.text).text)
        while reader.client.post(account, {"email": "signer@example.org"}).status_code != 429:
            pass
        reader.post(account, {"email": "signer@example.org"}, status=429)


class TestNewText:
    @in_each_language
    def test_what_signers_see_of_it(self, letter: Letter, language: str) -> None:
        reader, signature = Reader(language), make_signature(letter, language=language)
        new_text(letter)
        with translation.override(language):
            own = links.path(signature, "own")
            reminders = links.path(signature, "no_reminders")
        reader.get(f"{own}keep/")
        reader.post(f"{own}keep/", {"version": 1}, status=409)
        reader.get(own)
        Version.objects.filter(number=2).update(keep_until=date(2020, 1, 1))
        reader.get(f"{own}keep/")
        letter.signatures.filter(pk=signature.pk).update(status=SignatureStatus.LAPSED)
        reader.get(f"{own}keep/")
        rival = make_signature(letter, name=signature.name, email="rival@example.org")
        reader.post(f"{own}keep/", {"version": 2}, status=409)
        letter.signatures.filter(pk=rival.pk).update(status=SignatureStatus.WITHDRAWN)
        reader.post(f"{own}keep/", {"version": 2})
        waiting = make_signature(letter, status=SignatureStatus.UNCONFIRMED)
        letter.signatures.filter(pk=waiting.pk).update(version=letter.versions.get(number=1))
        with translation.override(language):
            confirm = links.path(waiting, "confirm")
        reader.get(confirm)
        reader.post(confirm, {"shown": services.fingerprint(waiting)}, status=409)
        letter.signatures.filter(pk=waiting.pk).update(visibility=Signature.Visibility.WITHHELD)
        reader.get(confirm)
        reader.get(reminders)
        reader.post(reminders)
        letter.signatures.filter(pk=signature.pk).update(forgotten_at=timezone.now())
        reader.get(own)

    @in_each_language
    def test_what_the_desk_says_of_it(self, letter: Letter, language: str) -> None:
        signature = make_signature(letter, status=SignatureStatus.PENDING)
        new_text(letter)
        reader, user = Reader(language), make_user()
        User.objects.filter(pk=user.pk).update(language=language)
        reader.client.force_login(user)
        (row,) = rows([signature])
        reader.post(reverse("desk:approve", args=[signature.pk]), {"shown": row.shown})
        page = reverse("desk:campaign", args=[letter.campaign.pk])
        reader.get(page)
        for day, status in (("2020-01-01", 422), ("…", 422), (str(date.today() + timedelta(days=9)), 200)):
            reader.post(page, {"contacts_until": day}, status=status)


class TestMails:
    @in_each_language
    def test_to_signers(self, letter: Letter, language: str) -> None:
        signature = make_signature(letter, language=language, status=SignatureStatus.REJECTED)
        every = (
            emails.confirm, emails.already, emails.received, emails.approved, emails.rejected, emails.withdrawn,
            emails.new_link,
        )  # fmt: skip
        assert all(queue(signature) for queue in every)
        corrections = [Correction(signature=signature), Correction(signature=signature, made_by=make_user())]
        assert all(emails.correction_accepted(correction) for correction in corrections)
        emails.correction_declined(corrections[0])
        emails.handover_told(signature, to="old@example.org", language=language)
        make_mirror("https://mirror.example.org")
        emails.withdrawn(signature, [Copy(1, "Установа", "прынята", timezone.now())])
        handover = signature.handovers.create(email="a@example.org", mailbox="a", language=language)
        emails.handover_offered(handover)
        for code, box in (("ABCD-EFGH", "b"), ("", "c")):
            emails.code(code, mailbox=box, to="a@example.org", language=language, is_demonstration=True)
        assert Mail.objects.count() == 15
        for mail in Mail.objects.all():
            assert_speaks(language, mail.subject)
            assert_speaks(language, mail.body)

    @in_each_language
    def test_of_a_new_text_and_of_what_became_of_the_letter(self, letter: Letter, language: str) -> None:
        public = make_signature(letter, language=language)
        signatures = [
            public,
            make_signature(letter, language=language, kind=Signature.Kind.INDIVIDUAL),
            make_signature(letter, language=language, visibility=Signature.Visibility.WITHHELD),
        ]
        version = new_text(letter)
        for signature in signatures:
            emails.text_changed(signature, version)
            emails.lapsed(signature, version)
            emails.published(signature)
            emails.reminder(signature, until=timezone.now())
            key = f"delivered:{signature.pk}"
            emails.delivered(signature, edition=1, key=key, record_url="https://…/", pdf_url="https://…/letter.pdf")
        Letter.objects.update(is_demonstration=False)
        public.letter.refresh_from_db()
        emails.delivered(public, edition=1, key="delivered", record_url="https://…/", pdf_url="")
        assert Mail.objects.count() == 16
        for mail in Mail.objects.all():
            assert_speaks(language, mail.subject)
            assert_speaks(language, mail.body)

    @in_each_language
    def test_to_those_who_are_withheld(self, letter: Letter, language: str) -> None:
        signature = make_signature(letter, language=language, visibility=Signature.Visibility.WITHHELD)
        handover = signature.handovers.create(email="a@example.org", mailbox="a", language=language)
        emails.confirm(signature)
        emails.approved(signature)
        emails.handover_offered(handover)
        emails.handover_told(signature, to="old@example.org", language=language)
        assert Mail.objects.count() == 4
        for mail in Mail.objects.all():
            assert_speaks(language, mail.subject)
            assert_speaks(language, mail.body)

    @in_each_language
    def test_reasons_to_reject(self, letter: Letter, language: str) -> None:
        signature = make_signature(letter, language=language, status=SignatureStatus.REJECTED)
        for reason in Signature.Reason:
            signature.reason = reason
            emails.rejected(signature)
        for mail in Mail.objects.all():
            assert_speaks(language, mail.body)

    @in_each_language
    def test_a_forgotten_password(self, language: str) -> None:
        user = make_user()
        User.objects.filter(pk=user.pk).update(language=language)
        Client().post(reverse("account_reset_password"), {"email": user.email})
        mail = Mail.objects.get()
        assert_speaks(language, mail.subject)
        assert_speaks(language, mail.body)

    @in_each_language
    def test_to_the_addressees(self, letter: Letter, language: str) -> None:
        letter.recipients.update(language=language)
        dispatch = dispatches.prepare(sealed_edition(letter), by=make_user())
        for delivery in dispatch.deliveries.all():
            for text in (delivery.wording.subject, delivery.wording.body):
                assert_speaks(language, text)

    @in_each_language
    def test_the_pdf(self, letter: Letter, language: str) -> None:
        make_signature(letter, visibility=Signature.Visibility.WITHHELD)
        assert_speaks(language, text_of(pdf.render(make_edition(letter), language).data))


class TestSigningIn:
    @in_each_language
    def test_the_second_factor_from_the_first_to_the_last_page(
        self, language: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, settings: Settings
    ) -> None:
        settings.REQUIRE_SECOND_FACTOR = True
        user = make_user(Role.Name.CAMPAIGNER)
        User.objects.filter(pk=user.pk).update(language=language)
        reader, other = Reader(language), Reader(language)
        stated = {"login": user.email, "password": PASSWORD}
        app, codes, key = (reverse(name) for name in ("mfa_activate_totp", *CODES_AND_KEYS))
        with django_capture_on_commit_callbacks(execute=True):
            reader.post(reverse("account_login"), stated)
            reader.get(app)
            reader.post(app, {"code": "000000"})
            secret = reader.client.session["mfa.totp.secret"]
            reader.post(app, {"code": code_of(secret)})
        reader.get(reverse("mfa_index"))
        other.post(reverse("account_login"), stated)
        other.post(reverse("mfa_authenticate"), {"code": "000000"})
        other.post(reverse("mfa_authenticate"), {"credential": "{}"})
        for name in ("account_reauthenticate", "mfa_reauthenticate", "mfa_deactivate_totp"):
            reader.get(reverse(name))
        reader.post(reverse("account_reauthenticate"), {"password": "wrong"})
        reader.post(reverse("mfa_reauthenticate"), {"code": ""})
        reader.get(key)
        reader.post(key, {"credential": "{}"})
        held = Authenticator.objects.create(user=user, type="webauthn", data={"name": "1", "credential": {}})
        reader.get(reverse("mfa_remove_webauthn", args=[held.pk]))
        held.delete()
        with django_capture_on_commit_callbacks(execute=True):
            reader.get(codes)
            reader.post(codes)
            reader.post(reverse("mfa_deactivate_totp"))

    @in_each_language
    def test_what_is_mailed_of_it(self, language: str) -> None:
        user = make_user()
        User.objects.filter(pk=user.pk).update(language=language)
        user.refresh_from_db()
        for what in NOTICES:
            notice(user, what)
        for mail in mails_to(user.email):
            assert_speaks(language, f"{mail.subject} {mail.body}")
        assert len(mails_to(user.email)) == len(NOTICES)


# What is not under review, and no decision that can be turned by one button.
ENDED = (SignatureStatus.ASKED, SignatureStatus.LAPSED, SignatureStatus.WITHDRAWN)


class TestDesk:
    @in_each_language
    def test_everything_that_is_done_there(
        self, letter: Letter, language: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, other = (self._at_desk(language) for _ in range(2))
        home, page = reverse("desk:home"), reverse("desk:letter", args=[letter.slug])
        for made in (*[SignatureStatus.PENDING] * 3, *[SignatureStatus.REJECTED] * 2, *ENDED):
            make_signature(letter, status=made, names={"be": "Арганізацыя", "ru": "Организация"})
        make_signature(letter, status=SignatureStatus.UNCONFIRMED)
        one.get(home)
        monkeypatch.setattr(queue, "A_PAGE", 1)
        one.get(f"{home}?page=2")
        monkeypatch.undo()
        self._decide(one, letter)
        self._write(one, letter)
        for verb in ("close_signing", "close_signing", "open_signing", "open_signing"):
            one.post(reverse(f"desk:{verb}", args=[letter.slug]))
        for status in SignatureStatus.values:
            one.get(f"{page}?state={status}")
        one.post(reverse("desk:cut", args=[letter.slug]), {"last": 7})
        one.post(reverse("desk:cut", args=[letter.slug]), {"last": 0})
        self._edition(one, letter)
        self._dispatch(one, other, letter, settings)
        letter.signatures.filter(pk=letter.signatures.approved()[0].pk).update(status=SignatureStatus.WITHDRAWN)
        one.get(home)
        one.get(page)

    @in_each_language
    def test_links_secrets_and_locks(self, letter: Letter, language: str) -> None:
        at_desk = self._at_desk(language)
        rows = [make_signature(letter, visibility=visibility) for visibility in Signature.Visibility.values]
        for signature in (*rows, make_signature(letter, status=SignatureStatus.PENDING, email="")):
            at_desk.get(reverse("desk:access", args=[signature.pk]))
            for what in ("new_link", "new_secret"):
                at_desk.post(reverse(f"desk:{what}", args=[signature.pk]))

    @in_each_language
    def test_an_empty_desk_and_one_that_is_shut(self, language: str) -> None:
        at_desk = self._at_desk(language)
        at_desk.get(reverse("desk:home"))
        make_letter(status=LetterStatus.DRAFT, published=False, with_recipients=False)
        at_desk.get(reverse("desk:home"))
        at_desk.get(reverse("desk:letter", args=["belarus-2020"]))
        at_desk.post(reverse("desk:cut", args=["belarus-2020"]), {"last": 0})
        at_desk.post(reverse("desk:open_signing", args=["belarus-2020"]))
        make_signature(Letter.objects.get())
        at_desk.get(reverse("desk:home"))
        self._at_desk(language, roles=[Role.Name.TRANSLATOR]).get(reverse("desk:letter", args=["belarus-2020"]))
        self._at_desk(language, roles=[]).get(reverse("desk:home"), status=403)

    @in_each_language
    def test_tables_of_signatures(self, letter: Letter, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
        one, tables = self._at_desk(language), reverse("desk:tables", args=[letter.slug])

        def upload(content: bytes, status: int = 200) -> Any:
            return one.post(tables, {"table": SimpleUploadedFile("t.csv", content)}, status=status)

        one.get(tables)
        for content in WRONG_TABLES:
            upload(content, status=422)
        one.post(tables, status=422)
        one.post(tables, CONTENT_LENGTH=str(10**9), status=413)
        one.post(reverse("desk:export", args=[letter.slug]), {"kind": "pdf"})
        upload("\n".join(["organisation,email,state,country,visibility,signed_at,kind,", *WRONG_ROWS]).encode())
        upload("Организация\tэто\nНадежда\t\n".encode("cp1251"))
        pk = Import.objects.latest("pk").pk
        one.post(reverse("desk:begin_import", args=[pk]), status=422)
        one.post(reverse("desk:begin_import", args=[pk]), {"visibility": "withheld"})
        one.post(reverse("desk:drop_import", args=[pk]))
        upload("organisation\nНадежда\n".encode())
        for state in ImportStatus.values:
            Import.objects.update(status=state, last=10**9)
            one.get(reverse("desk:import", args=[pk]))
        one.get(tables)

    @in_each_language
    def test_charts(self, letter: Letter, language: str) -> None:
        with translation.override(language):
            days = {date(2020, 8, 5) + timedelta(days=turn): turn for turn in range(3)}
            for chart in (charts.a_day(days), charts.time_to_decision([timedelta(hours=1)])):
                assert chart
                assert_speaks(language, Reading(render_to_string("desk/_chart.html", {"chart": chart})).text)

    def _at_desk(self, language: str, roles: list[str] | None = None) -> Reader:
        user = make_user("")
        User.objects.filter(pk=user.pk).update(language=language)
        for role in Role.Name.values if roles is None else roles:
            user.roles.create(role=role, language=language if role == Role.Name.TRANSLATOR else "")
        reader = Reader(language)
        reader.client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
        return reader

    def _decide(self, reader: Reader, letter: Letter) -> None:
        first, second, _ = letter.signatures.filter(status=SignatureStatus.PENDING)
        shown = {row.signature.pk: row.shown for row in reader.get(reverse("desk:home")).context["rows"]}
        reject, approve = reverse("desk:reject", args=[first.pk]), reverse("desk:approve", args=[second.pk])
        reader.post(reject, {"shown": shown[first.pk]})
        reader.post(reject, {"shown": shown[first.pk], "reason": Signature.Reason.SCOPE})
        reader.post(approve, {"shown": "something else"})
        reader.post(approve, {"shown": shown[second.pk]})
        for decided in SignatureStatus.values:
            pk = letter.signatures.filter(status=decided).values_list("pk", flat=True)[0]
            reader.post(reverse("desk:approve", args=[pk]), {"shown": "something else"})

    def _write(self, reader: Reader, letter: Letter) -> None:
        page = reverse("desk:text", args=[letter.slug])
        reader.get(page)
        reader.post(page, {"do": "add demand offer"})
        content, version = working(letter), letter.version.number
        stated: dict[str, Any] = {field_name(place): text for place, text in words(content).items()}
        stated |= {"block": [f"{key} {kind}" for key, kind in structure(content)], "version": version}
        stated |= {"started": digest_of(content), "keep_until": date.today() + timedelta(days=9)}
        reader.post(page, {**stated, "block": [], "do": "preview"}, status=422)
        reader.post(page, {**stated, "title_en": "x" * 300, "is_material": "yes", "do": "preview"}, status=422)
        reader.post(page, {**stated, "is_material": "no", "do": "preview"})
        reasons = {f"reason_{code}": "…" for code in configured.SHIPPED_LANGUAGES}
        changed = {**stated, **reasons, "title_en": "…", "closing_be": "…", "block": stated["block"][2:]}
        reader.post(page, {**changed, "is_material": "no", "do": "preview"})
        reader.post(page, {**changed, "is_material": "yes", "do": "preview"})
        reader.post(page, {**changed, "is_material": "yes", "do": "save"})
        reader.post(page, {**changed, "title_en": "… …", "is_material": "no", "do": "save"}, status=409)
        reader.get(reverse("desk:versions", args=[letter.slug]))
        reader.get(reverse("desk:version", args=[letter.slug, version]))
        letter.signatures.update(version=letter.version)

    def _edition(self, reader: Reader, letter: Letter) -> None:
        edition, page = letter.editions.get(), reverse("desk:letter", args=[letter.slug])
        for status in (EditionStatus.RENDERED, EditionStatus.FAILED):
            Edition.objects.update(status=status)
            reader.get(page)
        reader.post(reverse("desk:try_again", args=[edition.pk]))
        reader.post(reverse("desk:prepare", args=[edition.pk]))
        seal_without_typesetting(edition)
        late = make_signature(letter)
        reader.get(page)
        letter.signatures.filter(pk=late.pk).update(status=SignatureStatus.PENDING)

    def _dispatch(self, one: Reader, other: Reader, letter: Letter, settings: Settings) -> None:
        prepare = reverse("desk:prepare", args=[letter.editions.get().pk])
        one.post(prepare)
        one.post(prepare)
        pk = Dispatch.objects.get().pk
        page, letters_page = reverse("desk:dispatch", args=[pk]), reverse("desk:letter", args=[letter.slug])
        authorise = reverse("desk:authorise", args=[pk])
        other.get(page)
        other.post(authorise)
        settings.SENDING_ENABLED = True
        one.post(authorise, status=409)
        Covering.objects.update(body_en="Changed {salutation}", body_be="Changed {salutation}", body_ru="{salutation}")
        Recipient.objects.update(
            verified_on=timezone.now().date() - timedelta(days=91), verified_by=User.objects.last()
        )
        shown = other.get(page).context["shown"]
        unproven = next(found for found in dossier_of(Dispatch.objects.get()).open if found.check.key == "unproven")
        waiver = {"finding": unproven.key, "facts": unproven.facts}
        other.post(reverse("desk:waive", args=[pk]), {**waiver, "reason": ""}, status=422)
        other.post(reverse("desk:waive", args=[pk]), {**waiver, "facts": "x", "reason": "…"}, status=409)
        other.post(reverse("desk:waive", args=[pk]), {**waiver, "reason": "…"})
        other.post(reverse("desk:waive", args=[pk]), {**waiver, "reason": "…"}, status=409)
        other.post(reverse("desk:take_back_waiver", args=[pk]), {"waiver": Waiver.objects.get().pk})
        other.post(reverse("desk:waive", args=[pk]), {**waiver, "reason": "…"})
        one.post(reverse("desk:put_together", args=[pk]), {"seen": dossier_of(Dispatch.objects.get()).sha256})
        one.post(authorise, {"shown": shown}, status=409)
        for _ in range(2):
            one.post(reverse("desk:dry_run", args=[pk]))
        one.post(reverse("desk:exclude", args=[Delivery.objects.last().pk]))
        waive_all(Dispatch.objects.get(), by=User.objects.last())
        other.get(page)
        for status in DryRunStatus.values:
            trouble = [{"delivery": Delivery.objects.last().pk, "trouble": each} for each in Trouble.values]
            DryRun.objects.update(status=status, differences=trouble, ended_at=timezone.now())
            other.get(page)
        DryRun.objects.all().delete()
        for reader in (one, other):
            reader.post(authorise, {"seen": dossier_of(Dispatch.objects.get()).sha256})
        for status in DispatchStatus.values:
            Dispatch.objects.update(status=status)
            other.get(page)
            other.get(letters_page)
        Dispatch.objects.update(status=DispatchStatus.SENDING)
        for verb in ("halt", "resume", "halt", "cancel", "cancel"):
            other.post(reverse(f"desk:{verb}", args=[pk]))
        self._deliveries(other, page)
        self._unfit(other, page)

    def _unfit(self, reader: Reader, page: str) -> None:
        """A mail that can't be made: the reason is said in the reader's language, not in the mail's."""
        Dispatch.objects.update(status=DispatchStatus.PREPARED)
        Delivery.objects.update(language="en", status=DeliveryStatus.QUEUED)
        reader.get(page)
        Wording.objects.all().delete()
        reader.get(page)
        Recipient.objects.update(language="en")
        for body in ("{}", "{", ""):
            with translation.override("en"):
                Covering.objects.update(body=body)
            reader.get(page)
        Covering.objects.all().delete()
        reader.get(page)

    def _deliveries(self, reader: Reader, page: str) -> None:
        now = Dispatch.objects.get().prepared_at
        Delivery.objects.update(attempts=1, first_tried_at=now, not_before=now, code=451, answer="…")
        for status in DeliveryStatus.values:
            settled = now if status in (DeliveryStatus.ACCEPTED, DeliveryStatus.FAILED) else None
            Delivery.objects.update(status=status, settled_at=settled, registered_on=now)
            reader.get(page)
        for stage in ("message", "connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body", "dot"):
            Delivery.objects.update(stage=stage)
            reader.get(page)
        Delivery.objects.update(status=DeliveryStatus.UNKNOWN)
        witness(Delivery.objects.all()[0], DeliveryStatus.SENDING, by=None)
        reader.post(reverse("desk:resolve", args=[Delivery.objects.all()[0].pk]), {"attempts": 1, "to": "accepted"})


class TestFollowUp:
    @in_each_language
    def test_recipients(self, letter: Letter, language: str) -> None:
        at_desk = TestDesk()._at_desk(language)
        recipient = letter.recipients.all()[0]
        listed, edit = reverse("desk:recipients", args=[letter.slug]), reverse("desk:recipient", args=[recipient.pk])
        add = reverse("desk:add_recipient", args=[letter.slug])
        at_desk.get(listed)
        at_desk.get(add)
        at_desk.get(edit)
        at_desk.post(add, {"channel": "web", "web_form": "javascript:1", "email": "x", "order": 0}, status=422)
        form = RecipientForm(instance=recipient)
        stated = {name: form[name].value() or "" for name in form.fields}
        at_desk.post(edit, {**stated, "verified": "on"})
        at_desk.post(edit, {**stated, "email": letter.recipients.all()[1].email}, status=422)
        address = reverse("desk:add_address", args=[recipient.pk])
        at_desk.post(address, {"channel": "email", "address": "x"}, status=422)
        at_desk.post(address, {"channel": "fax", "address": "+375 17 000"})
        Recipient.objects.filter(pk=recipient.pk).update(
            verified_on=date(2020, 1, 1), title_be="", answer_days=15, channel="web"
        )
        at_desk.get(listed)
        at_desk.post(reverse("desk:verify_address", args=[recipient.further_addresses.get().pk]))
        at_desk.post(reverse("desk:remove_address", args=[recipient.further_addresses.get().pk]))
        at_desk.post(reverse("desk:remove_recipient", args=[letter.recipients.all()[4].pk]))

    @in_each_language
    def test_what_becomes_of_a_delivery(self, letter: Letter, language: str, settings: Settings) -> None:
        settings.SENDING_ENABLED = True
        at_desk = TestDesk()._at_desk(language)
        made = dispatches.prepare(sealed_edition(letter), by=make_user())
        authorise(made, by=make_user(Role.Name.SENDER))
        dispatches.start(made)
        delivery, *_others = made.deliveries.all()
        page = reverse("desk:delivery", args=[delivery.pk])
        today = made.prepared_at.date()
        self._evidence(delivery)
        delivery.recipient.further_addresses.create(channel="fax", address="+375 17 000")
        Letter.objects.update(is_demonstration=False)
        Recipient.objects.update(answer_days=15, term_source_be="Закон", term_source_ru="Закон")
        for channel in Channel.values:
            for status in DeliveryStatus.values:
                facts = {"settled_at": made.prepared_at, "ended_on": today, "refused_on": today, "registered_on": today}
                for refusal in ("", *Refusal.values):
                    shown = {
                        "channel": channel,
                        "status": status,
                        "refusal": refusal,
                        "stage": "rcpt",
                        "code": 550,
                        **facts,
                    }
                    Delivery.objects.filter(pk=delivery.pk).update(**shown)
                    with translation.override(language):
                        assert_speaks(language, " ".join(record.sentences(Delivery.objects.get(pk=delivery.pk))))
                if channel == Channel.EMAIL or status == DeliveryStatus.TO_PRINT:
                    at_desk.get(page)
        at_desk.get(reverse("desk:offices"))
        for told in UNSEALED.values():
            with translation.override(language):
                assert_speaks(language, str(told))
        Reader(language).get(letter_path(language) + "delivery/")
        for verb in ("registered", "refused", "taken", "add_evidence", "add_reply", "carried"):
            at_desk.post(reverse(f"desk:{verb}", args=[delivery.pk]), status=422)
        at_desk.post(
            reverse("desk:next_rung", args=[delivery.pk]), {"to": delivery.recipient.further_addresses.get().pk}
        )

    def _evidence(self, delivery: Delivery) -> None:
        for kind in Notice.Kind.values:
            Notice.objects.create(key=kind, kind=kind, delivery=delivery)
        for kind in Evidence.Kind.values:
            delivery.evidence.create(kind=kind, content_type="image/png", size=1)
        for kind in Reply.Kind.values:
            delivery.replies.create(kind=kind, channel="post", received_on=delivery.dispatch.prepared_at.date())

    @in_each_language
    def test_a_reply(self, letter: Letter, language: str) -> None:
        at_desk, user = TestDesk()._at_desk(language), make_user()
        delivery = dispatches.prepare(sealed_edition(letter), by=user).deliveries.all()[0]
        reply = delivery.replies.create(channel="post", received_on=date(2020, 8, 5))
        page, publish = reverse("desk:reply", args=[reply.pk]), reverse("desk:publish_reply", args=[reply.pk])
        told = {"kind": "answer", **{f"summary_{code}": "Знаем" for code in ("en", "be", "ru")}}

        def seen() -> dict[str, str]:
            return {"seen": outcomes.seen_of(Reply.objects.get(pk=reply.pk))}

        at_desk.post(page, {"kind": "unread"}, status=422)
        at_desk.post(publish, seen())
        at_desk.post(page, told, status=409)
        at_desk.post(page, {**told, **seen()})
        for verb in (publish, publish, reverse("desk:unpublish_reply", args=[reply.pk])):
            at_desk.post(verb, seen())
        with translation.override(language):
            for kind in Reply.Kind.values:
                assert_speaks(language, record.reply_sentence(Reply(kind=kind, received_on=date(2020, 8, 5))))

    @in_each_language
    def test_the_mail_when_a_term_is_over(self, letter: Letter, language: str) -> None:
        user = make_user()
        User.objects.filter(pk=user.pk).update(language=language)
        user.refresh_from_db()
        delivery = dispatches.prepare(sealed_edition(letter), by=user).deliveries.all()[0]
        Recipient.objects.update(answer_days=15, term_source_be="Закон", term_source_ru="Закон")
        Delivery.objects.update(registered_on=date(2020, 8, 5))
        dispatch_emails.term_is_over(Delivery.objects.get(pk=delivery.pk), user)
        mail = Mail.objects.get()
        assert_speaks(language, mail.subject)
        assert_speaks(language, mail.body)


class TestAccounts:
    @in_each_language
    def test_the_way_in(self, language: str) -> None:
        reader, user = Reader(language), self._user(language)
        login, forgotten = reverse("account_login"), reverse("account_reset_password")
        for path in (login, forgotten, reverse("account_reset_password_done"), reverse("account_inactive")):
            reader.get(path)
        reader.get(reverse("account_reset_password_from_key_done"))
        reader.post(login)
        reader.post(login, {"login": user.email, "password": "wrong"})
        reader.post(login, {"login": "nobody", "password": "wrong\0"})
        reader.post(forgotten, {"email": "nobody"})
        reader.post(forgotten, {"email": f"{'x' * 400}@example.org"})
        reader.post(forgotten, {"email": user.email})
        reader.get(self._link(user, "wrong"))

    @in_each_language
    def test_passwords(self, language: str) -> None:
        reader, user = Reader(language), self._user(language)
        link = self._link(user, default_token_generator.make_token(user))
        chosen = reader.client.get(link).headers["Location"]
        reader.get(chosen)
        for password in ("short", "qwertyuiop", user.email, ""):
            reader.post(chosen, {"password1": password, "password2": "another"})
        reader.post(chosen, {"password1": f"new {PASSWORD}", "password2": "another"})
        reader.post(chosen, {"password1": f"new {PASSWORD}", "password2": f"new {PASSWORD}"})
        reader.client.login(username=user.email, email=user.email, password=f"new {PASSWORD}")
        change = reverse("account_change_password")
        reader.get(change)
        reader.post(change, {"oldpassword": "wrong", "password1": "short", "password2": "another"})
        new = {"password1": PASSWORD, "password2": PASSWORD}
        reader.post(change, {"oldpassword": f"new {PASSWORD}", **new})
        reader.get(reverse("account_logout"))
        reader.get(reverse("account_reauthenticate"))
        reader.post(reverse("account_reauthenticate"), {"password": "wrong"})

    @in_each_language
    def test_a_closed_account_and_one_without_a_password(self, language: str) -> None:
        user = self._user(language)
        user.is_active = False
        user.save()
        Reader(language).post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
        without = self._user(language)
        without.set_unusable_password()
        without.save()
        reader = Reader(language)
        reader.client.force_login(without)
        reader.get(reverse("account_set_password"))

    @in_each_language
    def test_too_many_attempts(self, language: str) -> None:
        reader, user = Reader(language), self._user(language)
        wrong = {"login": user.email, "password": "wrong"}
        said = [reader.post(reverse("account_login"), wrong).text for _ in range(7)]
        assert said[0] != said[-1]
        forgotten = reverse("account_reset_password")
        while (status := reader.client.post(forgotten, {"email": user.email}).status_code) != 429:
            assert status == 302
        reader.post(forgotten, {"email": user.email}, status=429)

    def _user(self, language: str) -> User:
        user = make_user()
        user.language = language
        user.save()
        return user

    def _link(self, user: User, key: str) -> str:
        return reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": key})


WRONG_TABLES = [
    b"",
    b"Name,Country\n",
    b"organisation,Organization\n",
    b"%PDF",
    b"PK\x03\x04",
    b"\x98",
    b"organisation," + b"x," * 300 + b"x\n",
]
WRONG_ROWS = [
    "---,nobody,California,Nowhere,maybe,yesterday,nobody,",
    ",,,,,1999-01-01,,",
    '"One" Two,',
    "One,,,,,,,,,,more",
    "One,a@example.org,,,,,,",
    "One,a@example.org,,,,,,",
    "Two,,approved,,,,,",
    "Two,,approved,,,,,",
]
FORM = "application/x-www-form-urlencoded"
WRONG = {
    "name": ["x" * 251, "two\nlines", "<b>", "---", "\ufffd", "ﷺ" * 200],
    "website": ["javascript:alert(1)", "https://", "x" * 301],
    "representative": ["\u200b", "x" * 151],
    "role": ["x" * 151],
    "email": ["nobody", "a@example.org,b@example.org", "нехта@example.org", "a@localhost", f"{'x' * 250}@example.org"],
    "country": ["XX"],
    "visibility": ["maybe"],
    "version": ["0"],
}


# Each kind of certificate once, with and without a time stamp, and one that ran out.
SEALS = [
    Seal("0" * 64, True, True, DEMONSTRATION, DEMONSTRATION, True, "2999-01-01T00:00:00+00:00"),
    Seal("0" * 64, True, True, "A", "A", True, "2001-01-01T00:00:00+00:00"),
    Seal("0" * 64, True, True, "A", "B", False, "2999-01-01T00:00:00+00:00", "2020-08-05T12:00:00+00:00", "C"),
]


def _raise(failure: type[Exception]) -> None:
    raise failure


def new_text(letter: Letter) -> Version:
    """Another title, by which the meaning changed."""
    with translation.override("en"):
        letter.title = "…"
        letter.save()
    reason = dict.fromkeys(configured.SHIPPED_LANGUAGES, "…")
    return save_version(letter, is_material=True, reason=reason, keep_until=date.today() + timedelta(days=9))


def letter_path(language: str) -> str:
    return f"/{language}/letters/belarus-2020/"


def translations(language: str) -> Iterator[str]:
    for message in catalogues.read(language):
        if message.id:
            yield from (message.string,) if isinstance(message.string, str) else message.string or ()


def make_mirror(address: str) -> None:
    Mirror.objects.create(where="/nowhere", key="x", address=address)


class TestReviewDesk:
    """All that staff do with a signature besides deciding, and what its signer sees of that."""

    @in_each_language
    def test_the_queue_and_its_filters(self, letter: Letter, language: str) -> None:
        reader = TestDesk()._at_desk(language)
        home = reverse("desk:home")
        reader.get(reverse("desk:batch"))
        reader.get(reverse("desk:numbers"))
        member = self._pending(letter, country="PL", email="office@union.example.org", website="")
        known = {"folded_name": member.folded_name, "country": "PL", "name_be": "Саюз", "name_ru": "Союз"}
        union = Organisation.objects.create(domains=["union.example.org"], member_since=date(2019, 1, 1), **known)
        write_name_keys(union)
        assess(member)
        other = self._pending(letter, name="Аccess", visibility=Signature.Visibility.WITHHELD, kind="individual")
        for asked in ("state=any", "q=%D0%B0&doubts=yes", "country=Atlantis", "q=nobody", "assigned=me&via=form"):
            reader.get(f"{home}?{asked}")
        reader.get(home)
        batch = reader.get(reverse("desk:batch"))
        (row,) = batch.context["rows"]
        reader.post(reverse("desk:batch"))
        reader.post(reverse("desk:batch"), {"approve": [f"{other.pk} x", f"{member.pk} {row.shown}"]})
        reader.get(f"{reverse('desk:numbers')}?letter={letter.slug}")

    @in_each_language
    def test_a_signature_in_every_state(self, letter: Letter, language: str) -> None:
        reader = TestDesk()._at_desk(language)
        for status in SignatureStatus.values:
            signature = make_signature(letter, status=status, names={"be": "Арганізацыя", "ru": "Организация"})
            reader.get(reverse("desk:signature", args=[signature.pk]))
            for verb in ("ask", "note", "assign", "spell", "announcement", "call_back"):
                reader.post(reverse(f"desk:{verb}", args=[signature.pk]), {"to": "x"}, status=422)

    @in_each_language
    def test_everything_that_is_done_with_a_signature(self, letter: Letter, language: str) -> None:
        reader, signature = TestDesk()._at_desk(language), self._pending(letter, language=language)
        twin = self._pending(letter, email=signature.email)

        def do(verb: str, of: int = signature.pk, status: int = 200, **form: Any) -> None:
            reader.post(reverse(f"desk:{verb}", args=[of]), form, status=status)

        me = User.objects.holding(Role.Name.REVIEWER).last()
        assert me
        do("note", text="Нататка")
        for to in (me.pk, ""):
            do("assign", to=to)
        do("announcement", address="https://news.example.org/", dated="2999-01-01", status=422)
        do("announcement", address="https://news.example.org/", dated="2020-01-01")
        do("call_back", note="Так")
        do("spell", name_en=signature.name_en)  # type: ignore[attr-defined]
        do("spell", name_en=twin.name_en, status=422)  # type: ignore[attr-defined]
        do("spell", name_en="Назва")
        for verb in ("accept_correction", "decline_correction"):
            correction = services.correct(signature, changes={"website": f"https://{verb[:6]}.example.org"})
            reader.get(reverse("desk:signature", args=[signature.pk]))
            do(verb, correction.pk)
            do(verb, correction.pk, shown=correction.made_at.isoformat())

        do("ask", text="Пытанне", shown="something else")
        for _ in range(2):
            signature.refresh_from_db()
            do("ask", text="Пытанне", shown=rows([signature])[0].shown)
            question = signature.questions.last()
            assert question
            signature.refresh_from_db()
            answer = urlsplit(links.answer_url(signature)).path
            reader.get(answer)
            do("approve")
            reader.get(urlsplit(links.own_url(signature)).path)
            reader.post(answer, {"question": question.pk}, status=422)
            reader.post(answer, {"question": 0, "text": "Адказ"}, status=409)
            do("take_back", question.pk)
            do("take_back", question.pk)
            reader.get(answer)
        signature.refresh_from_db()
        question = services.ask(signature, by=me, text="Пытанне")
        reader.post(answer, {"question": question.pk, "text": "Адказ"})
        reader.get(reverse("desk:signature", args=[signature.pk]))
        reader.get(f"/{language}/signatures/answer/nothing/", status=404)
        mail = Mail.objects.get(key=f"question:{question.pk}")
        assert_speaks(language, mail.subject)
        assert_speaks(language, mail.body)

    @in_each_language
    def test_the_daily_digest(self, letter: Letter, language: str) -> None:
        User.objects.update(language=language)
        Letter.objects.update(signing_until=date(2999, 1, 1))
        me = make_user(Role.Name.REVIEWER, email="me@example.org")
        User.objects.filter(pk=me.pk).update(language=language)
        signature = self._pending(letter, assigned_to=me)
        services.correct(signature, changes={"website": "https://new.example.org"})
        make_signature(letter, status=SignatureStatus.ASKED)
        digest.mail_digests()
        mail = Mail.objects.get(key__startswith=f"digest:{me.pk}:")
        assert_speaks(language, mail.subject)
        assert_speaks(language, mail.body)

    def _pending(self, letter: Letter, **columns: Any) -> Signature:
        signature = make_signature(letter, status=SignatureStatus.PENDING, **columns)
        assess(signature)
        return signature
