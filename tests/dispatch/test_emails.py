"""The mail that an office gets: what it says in which language, and that its bytes stay the same."""

import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest
from pytest_django import Settings

from dispatch import emails, encoded, smtp
from dispatch.models import Delivery, Dispatch
from dispatch.services.editions import sealed_bytes, stored
from letters.models import Letter
from tests.dispatch.sending import make_dispatch

pytestmark = pytest.mark.django_db
AT = datetime(2020, 8, 5, 9, 30, tzinfo=UTC)


@pytest.fixture
def dispatch(settings: Settings) -> Dispatch:
    settings.SENDING_ENABLED = True
    return make_dispatch(recipients=5)


@pytest.fixture
def delivery(dispatch: Dispatch) -> Delivery:
    return in_language(dispatch, "be")


def in_language(dispatch: Dispatch, language: str) -> Delivery:
    found = dispatch.deliveries.select_related("dispatch").filter(language=language).first()
    assert found
    return found


def mail_of(delivery: Delivery) -> bytes:
    """As it is when it is put together now, and frozen."""
    delivery.wording = emails.put_together(delivery, at=AT)
    return emails.covering(delivery)


def parsed(delivery: Delivery) -> EmailMessage:
    return message_from_bytes(mail_of(delivery), policy=policy.default)  # type: ignore[return-value]


def addressed(delivery: Delivery) -> tuple[str, str]:
    """Name and address that the mail is to, read as RFC 2047 has it (`policy.default` puts spaces into names)."""
    name, address = parseaddr(message_from_bytes(mail_of(delivery))["To"])
    return str(make_header(decode_header(name))), address


def text(delivery: Delivery) -> str:
    body = parsed(delivery).get_body()
    assert body
    content: str = body.get_content()
    return content


def test_the_headers(delivery: Delivery) -> None:
    mail = parsed(delivery)
    assert addressed(delivery) == ("Прэзідэнт Рэспублікі Беларусь", "president@government.example.org")
    assert mail["From"] == "Undersigned <letters@undersigned.example.org>"
    assert mail["Reply-To"] == delivery.edition.content["contact_email"]
    assert mail["Date"].datetime == AT
    assert mail["Message-ID"] == delivery.message_id
    assert mail["Content-Language"] == "be"
    assert "Адкрыты ліст «" in mail["Subject"]
    assert delivery.edition.reference in mail["Subject"]


def test_every_office_is_addressed_by_its_own_title(dispatch: Dispatch) -> None:
    for delivery in dispatch.deliveries.all():
        title = getattr(delivery.recipient, f"title_{delivery.language}")
        assert addressed(delivery) == (title, delivery.address)


@pytest.mark.parametrize(
    "subject", ["А" * 190, "Старшыня Цэнтральнай камісіі " * 6 + "ў", "Plain, in English " * 10 + "end"]
)
def test_a_long_subject_keeps_every_letter_and_space(delivery: Delivery, subject: str) -> None:
    covering = delivery.edition.letter.covering
    covering.subject_be = subject
    covering.save()
    assert parsed(delivery)["Subject"].endswith(subject)


@pytest.mark.parametrize("language", ["be", "ru"])
def test_the_text_in_the_recipients_language(dispatch: Dispatch, language: str) -> None:
    delivery = in_language(dispatch, language)
    said = text(delivery)
    assert getattr(delivery.recipient, f"salutation_{language}") in said
    assert f"/{language}/letters/{delivery.edition.letter.slug}/editions/1/" in said
    assert delivery.edition.content["languages"][language]["contact_name"] in said
    assert ": 1\n" in said.replace("\r\n", "\n")
    assert "{" not in said


@pytest.mark.parametrize(("language", "names"), [("be", ["be", "en"]), ("ru", ["ru", "en"]), ("en", ["en"])])
def test_the_sealed_files_byte_for_byte(dispatch: Dispatch, language: str, names: list[str]) -> None:
    Delivery.objects.update(language=language)
    delivery = in_language(dispatch, language)
    attached = list(parsed(delivery).iter_attachments())
    assert [part.get_filename() for part in attached] == [f"letter-{name}.pdf" for name in names]
    assert [part.get_content_type() for part in attached] == ["application/pdf"] * len(names)
    for part, name in zip(attached, names, strict=True):
        assert part.get_payload(decode=True) == sealed_bytes(delivery.edition.files.get(language=name))


def test_the_same_bytes_each_time_and_fit_for_the_wire(delivery: Delivery) -> None:
    mail = emails.covering(delivery)
    assert emails.covering(Delivery.objects.get(pk=delivery.pk)) == mail
    assert mail.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", mail)
    assert max(map(len, mail.split(b"\r\n"))) <= 998


def test_what_is_edited_afterwards_does_not_go_out(dispatch: Dispatch) -> None:
    delivery = in_language(dispatch, "be")
    frozen = emails.covering(delivery)
    covering = delivery.edition.letter.covering
    covering.subject_be, covering.body_be = "Іншая тэма", "Іншы тэкст"
    covering.save()
    delivery.edition.letter.recipients.update(title_be="Іншы", salutation_be="Іншы")
    Letter.objects.update(contact_email="other@example.org")
    assert emails.covering(in_language(dispatch, "be")) == frozen


@pytest.mark.parametrize("column", ["sender", "title", "reply_to", "subject", "covering", "letter", "put_together_at"])
def test_what_is_not_as_it_was_frozen_is_not_sent(dispatch: Dispatch, column: str) -> None:
    wording = in_language(dispatch, "be").wording
    frozen = getattr(wording, column)
    setattr(wording, column, frozen + timedelta(seconds=1) if column == "put_together_at" else f"x{frozen}")
    wording.save()
    with pytest.raises(emails.Unfit, match="not the one that was frozen"):
        emails.covering(in_language(dispatch, "be"))


def test_another_pdf_than_the_frozen_one_is_not_sent(dispatch: Dispatch) -> None:
    en, be = (dispatch.edition.files.get(language=language) for language in ("en", "be"))
    dispatch.edition.files.filter(pk=be.pk).update(sealed=en.sealed, sha256=en.sha256)
    with pytest.raises(emails.Unfit, match="not the one that was frozen"):
        emails.covering(in_language(dispatch, "be"))


def test_what_was_never_put_together_is_not_sent(dispatch: Dispatch) -> None:
    in_language(dispatch, "be").wording.delete()
    with pytest.raises(emails.Unfit, match="never put together"):
        emails.covering(in_language(dispatch, "be"))


def test_a_demonstration_says_so_first(delivery: Delivery) -> None:
    assert "[Demonstration]" in str(parsed(delivery)["Subject"]) or "[Дэман" in str(parsed(delivery)["Subject"])
    first, *_ = text(delivery).splitlines()
    assert "demonstration" in first or "дэманстрац" in first.lower()
    Letter.objects.update(is_demonstration=False)
    real = Delivery.objects.get(pk=delivery.pk)
    assert parsed(real)["Subject"].startswith("Адкрыты ліст")
    assert text(real).startswith(real.recipient.salutation_be)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "body", ["{name}", "{}", "{salutation.__class__}", "{contact[0]}", "{count!r}", "{count:>9}", "{", "}"]
)
def test_a_text_with_an_unknown_placeholder_is_no_mail(delivery: Delivery, body: str) -> None:
    covering = delivery.edition.letter.covering
    covering.body_be = body
    covering.save()
    with pytest.raises(emails.Unfit, match="covering text"):
        mail_of(delivery)


def test_what_is_filled_in_is_not_read_for_placeholders(delivery: Delivery) -> None:
    delivery.recipient.salutation_be = "{contact} {"  # type: ignore[attr-defined]
    assert "{contact} {" in text(delivery)


def test_no_text_brings_in_a_header(delivery: Delivery) -> None:
    covering = delivery.edition.letter.covering
    covering.subject_be = "Ліст\r\nBcc: a@example.org\x0b\u2028\x85end"
    covering.save()
    delivery.recipient.title_be = 'Офіс"\r\nBcc: b@example.org'  # type: ignore[attr-defined]
    mail = parsed(delivery)
    assert mail["Bcc"] is None
    assert mail["Subject"].endswith("Ліст Bcc: a@example.org end")
    assert addressed(delivery) == ('Офіс" Bcc: b@example.org', delivery.address)


@pytest.mark.parametrize(
    "address", ["прэзідэнт@example.org", "a@прэзідэнт.org", "a", "", "a@b\r\nBcc: c@d", "a@b, c@d"]
)
def test_an_address_that_is_none(delivery: Delivery, address: str) -> None:
    delivery.address = address
    with pytest.raises(emails.Unfit) as unfit:
        mail_of(delivery)
    assert "@" not in str(unfit.value)


@pytest.mark.parametrize("what", ["text", "language", "file", "bytes"])
def test_what_is_missing_is_said(delivery: Delivery, what: str) -> None:
    edition = delivery.edition
    file = edition.files.get(language="be")
    if what == "text":
        edition.letter.covering.delete()
    elif what == "language":
        edition.files.filter(language="be").delete()
    elif what == "file":
        edition.files.filter(language="be").update(sealed="nowhere.pdf")
    else:
        edition.files.filter(language="be").update(sha256=file.sha256[::-1])
    with pytest.raises(emails.Unfit):
        mail_of(Delivery.objects.get(pk=delivery.pk))


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        (b"a\r\n.\r\n..b\r\n", b"a\r\n..\r\n...b\r\n"),
        (b"a\n.\nb", b"a\r\n..\r\nb\r\n"),
        (b"a\r.\rMAIL FROM:<x>\r", b"a\r\n..\r\nMAIL FROM:<x>\r\n"),
    ],
)
def test_nothing_within_a_mail_ends_it(message: bytes, sent: bytes) -> None:
    assert smtp._on_the_wire(message) == sent


def test_a_pdf_is_read_and_encoded_once_for_all_who_get_it(dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded._encoded.cache_clear()
    read: list[str] = []
    monkeypatch.setattr(encoded, "stored", lambda path, sha256: read.append(path) or stored(path, sha256))
    for delivery in dispatch.deliveries.all():
        emails.covering(delivery)
    assert sorted(read) == sorted(dispatch.edition.files.values_list("sealed", flat=True))


def test_the_encoded_pdf_is_fit_for_the_wire(dispatch: Dispatch) -> None:
    file = dispatch.edition.files.get(language="be")
    lines = encoded.encoded(file).split(b"\r\n")
    assert lines.pop() == b""
    assert {len(line) for line in lines[:-1]} == {76}
    assert b64decode(b"".join(lines)) == sealed_bytes(file)


def test_an_address_beyond_ascii_never_reaches_the_line() -> None:
    given: dict[str, Any] = {"relay": smtp.Relay("127.0.0.1", 1, "localhost"), "before_dot": lambda: None}
    with pytest.raises(ValueError, match="ASCII"):
        smtp.hand_over([], sender="a@example.org", recipient="прэзідэнт@example.org", **given)


def test_the_letter_itself_stands_below_for_mailboxes_that_take_attachments_away(dispatch: Dispatch) -> None:
    for language in ("be", "ru"):
        delivery = in_language(dispatch, language)
        printed, said = delivery.edition.content["languages"][language], text(delivery)
        for block in printed["blocks"]:
            assert block["text"] in said
        assert printed["closing"] in said
        for entry in delivery.edition.content["signatories"]:
            assert f"- {entry['name'][language]}" in said
    assert re.search(r"^1\. .+^2\. ", said, re.MULTILINE | re.DOTALL)


def test_names_by_the_thousand_are_not_put_into_a_mail(delivery: Delivery) -> None:
    entry = delivery.edition.content["signatories"][0]
    delivery.edition.content["signatories"] = [entry] * 401
    said = text(delivery)
    assert f"- {entry['name']['be']}" not in said
    assert "401 арганізацыя" in said
