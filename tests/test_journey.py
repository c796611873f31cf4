"""The whole life of a letter, from the form to the addressees' mailboxes, as its people go through it.

Read it as documentation: everything here happens through pages, mails and the work that waits in the database.
"""

import email
import email.policy
import hashlib
import re
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.test import Client

from accounts.models import Role
from campaign.demo.load import load_letter
from dispatch import dossier
from dispatch.models import Delivery, Dispatch
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db

LETTER = "/be/letters/belarus-2020/"
STATED = {
    "visibility": "public",
    "name": "Праваабарончы цэнтр «Прыклад»",
    "name_ru": "Правозащитный центр «Пример»",
    "country": "BY",
    "website": "pryklad.example.org",
    "representative": "Прыклад Прыкладны",
    "role": "Старшыня",
    "email": "signer@pryklad.example.org",
    "consent": "on",
    "authority": "on",
}


def test_a_letter_is_signed_approved_frozen_sealed_and_delivered(mailboxes: Path, worker: Callable[[], None]) -> None:
    letter = load_letter(by=make_user(Role.Name.CAMPAIGNER))
    reader = Client()

    # An organisation reads the letter in Belarusian, fills in the form, and is asked to look into its mailbox.
    assert f"{LETTER}sign/" in text_of(reader, LETTER)
    read = reader.get(f"{LETTER}sign/").context["version"]
    stated = {**STATED, "version": read.pk}
    assert reader.post(f"{LETTER}sign/", stated).headers["Location"] == f"{LETTER}sign/sent/"
    assert not letter.signatures.confirmed().exists()

    # The mail is in its language. Its link opens a page that changes nothing; the button on it confirms.
    worker()
    [confirmation] = received(mailboxes / "others")
    assert confirmation["Content-Language"] == "be"
    link = link_in(confirmation)
    reader.get(link)
    assert not letter.signatures.confirmed().exists()
    press(reader, link, "")
    [signature] = letter.signatures.confirmed()

    # A reviewer finds it in the queue and approves it: the name is on the letter's page at once.
    assert STATED["name"] not in text_of(reader, LETTER)
    reviewer = signed_in(Role.Name.REVIEWER)
    assert STATED["name"] in text_of(reviewer, "/desk/")
    press(reviewer, "/desk/", f"/desk/signatures/{signature.pk}/approve/")
    assert STATED["name"] in text_of(reader, LETTER)
    assert STATED["name_ru"] in text_of(reader, "/ru/letters/belarus-2020/")
    assert STATED["email"] not in text_of(reader, LETTER)

    # A campaigner freezes the letter into an edition; a worker typesets and seals it in three languages.
    campaigner = signed_in(Role.Name.CAMPAIGNER)
    press(campaigner, "/desk/letters/belarus-2020/", "/desk/letters/belarus-2020/cut/")
    worker()
    published = {}
    for language in ("en", "be", "ru"):
        answer = reader.get(f"/{language}/letters/belarus-2020/letter.pdf")
        assert answer["Content-Type"] == "application/pdf"
        published[language] = b"".join(answer) if answer.streaming else answer.content
        digest = hashlib.sha256(published[language]).hexdigest()
        assert digest in text_of(reader, f"/{language}/letters/belarus-2020/editions/1/")

    # She prepares a dispatch. Its dossier says what stands in the way: there was no dry run, and she has one done.
    press(campaigner, "/desk/letters/belarus-2020/", f"/desk/editions/{letter.editions.get().pk}/prepare/")
    dispatch = Dispatch.objects.get()
    page = f"/desk/dispatches/{dispatch.pk}/"
    assert "There was no dry run of the mails as they are." in text_of(campaigner, page)
    press(campaigner, page, f"{page}dry-run/")
    worker()
    assert "Every mail arrived as it is frozen" in text_of(campaigner, page)
    assert "Nothing stands in the way." in text_of(campaigner, page)

    # She authorises it, and her word alone sends nothing.
    press(campaigner, page, f"{page}authorise/")
    campaigner.post(f"{page}authorise/", {"seen": dossier.of(dispatch).sha256})
    worker()
    assert received(mailboxes) == []

    # A second person does. Each of five offices gets one mail, with the published PDF in its language, and in English.
    press(signed_in(Role.Name.SENDER), page, f"{page}authorise/")
    worker()
    letters = received(mailboxes)
    assert sorted(parseaddr(str(message["To"]))[1] for message in letters) == sorted(
        letter.recipients.values_list("email", flat=True)
    )
    for message in letters:
        delivery = Delivery.objects.get(address=parseaddr(str(message["To"]))[1])
        assert (message["Message-ID"], delivery.status, delivery.code) == (delivery.message_id, "accepted", 250)
        attached = {part.get_filename(): part.get_content() for part in message.iter_attachments()}
        languages = {delivery.language, "en"}
        assert attached == {f"letter-{language}.pdf": published[language] for language in languages}
    dispatch.refresh_from_db()
    assert dispatch.status == "done"

    # Whatever is rung again, nobody gets it twice.
    Dispatch.objects.update(status="sending")
    worker()
    assert len(received(mailboxes)) == len(letters)


def signed_in(role: str) -> Client:
    """A browser in which a member of staff has signed in."""
    user, browser = make_user(role), Client()
    browser.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    return browser


def press(browser: Client, page: str, action: str) -> None:
    """Press the button of the form on `page` that posts to `action`, with what the form holds."""
    forms = re.findall(r"<form([^>]*)>(.*?)</form>", text_of(browser, page), re.DOTALL)
    wanted = [form for tag, form in forms if (f'action="{action}"' in tag if action else "action=" not in tag)]
    hidden = [dict(re.findall(r'name="(\w+)" value="([^"]*)"', form)) for form in wanted]
    assert hidden, f"{page} has no button for {action}"
    answer = browser.post(action or page, hidden[0])
    assert answer.status_code == 302


def received(mailbox: Path) -> list[EmailMessage]:
    paths = sorted(mailbox.glob("*.eml"))
    return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths]


def link_in(message: EmailMessage) -> str:
    """The path of the link in a mail."""
    body = message.get_body(("plain",))
    assert body is not None
    found = re.search(rf"{re.escape(configured.PUBLIC_URL)}(/\S+/confirm/\S+)", body.get_content())
    assert found
    return found[1]


def text_of(browser: Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.content.decode()
