"""Every mail is plain text with simple HTML beside it that says the same, whatever somebody typed into it."""

import re
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from django.core import mail as sent_mail

from mailing import services
from mailing.html import html_of, linked
from mailing.models import Mail
from mailing.states import MailStatus
from signatories import emails
from tests.factories import make_letter, make_signature

HOSTILE = '<script src="https://evil.example/x.js"></script>'


def body_of(html: str) -> str:
    """What is shown, on one line."""
    return re.sub(r"\s*\n\s*", "", html.partition("<body>")[2].partition("</body>")[0])


class TestPlainText:
    def test_lines_of_all_kinds_in_turn_are_many_pieces_and_no_trouble(self) -> None:
        html = html_of("- one\ntwo\n" * 2000, subject="s", language="en")
        assert html.count("<li>") == 2000

    def test_paragraphs_headings_lists_and_the_foot(self) -> None:
        text = "Good day.\nWe write.\n\nWhat changed\n------------\n\nTwo things:\n- one\n- two\n"
        text += "\n-- \nDesk\nd@example.org\n"
        assert body_of(html_of(text, subject="News", language="en")) == (
            "<div><h1>News</h1><p>Good day.<br>We write.</p><h2>What changed</h2><p>Two things:</p>"
            "<ul><li>one</li><li>two</li></ul><hr>"
            '<footer><p>Desk<br><a href="mailto:d@example.org">d@example.org</a></p></footer></div>'
        )

    def test_an_empty_text_is_a_page_with_its_subject(self) -> None:
        assert body_of(html_of("", subject="News", language="en")) == "<div><h1>News</h1></div>"

    @pytest.mark.parametrize(
        ("text", "html"),
        [
            ("https://example.org/a?b=1&c=2", '<a href="https://example.org/a?b=1&amp;c=2">https://example.org/a?b=1&amp;c=2</a>'),
            ("See https://example.org/.", 'See <a href="https://example.org/">https://example.org/</a>.'),
            ("(https://example.org/a)", '(<a href="https://example.org/a">https://example.org/a</a>)'),
            ("javascript:alert(1)", "javascript:alert(1)"),
            ("a < b & c", "a &lt; b &amp; c"),
            ('https://example.org/"onclick="x', '<a href="https://example.org/">https://example.org/</a>&quot;onclick=&quot;x'),
            ("Пішыце: a@example.org.", 'Пішыце: <a href="mailto:a@example.org">a@example.org</a>.'),
        ],
    )  # fmt: skip
    def test_addresses_are_links_and_all_else_is_text(self, text: str, html: str) -> None:
        assert linked(text) == html

    def test_markup_that_somebody_typed_is_shown_as_it_was_typed(self) -> None:
        html = html_of(f"{HOSTILE}\n\n- {HOSTILE}\n\n-- \n{HOSTILE}", subject=HOSTILE, language="be")
        assert "<script" not in html
        assert html.count("&lt;script") == 5

    def test_nothing_is_loaded_and_no_colour_is_forced(self) -> None:
        html = html_of("Hello.", subject="News", language="ru")
        assert '<html lang="ru">' in html
        assert re.findall(r"(?i)<img|<link|src=|url\(|@import|[^-]color:|background", html) == []
        assert '<meta name="color-scheme" content="light dark">' in html


@pytest.mark.django_db
class TestMails:
    def test_a_mail_goes_out_as_text_and_html_in_the_signers_language(self, worker: Callable[[], None]) -> None:
        emails.received(make_signature(make_letter(), language="be"))
        worker()
        sent = as_received()
        assert sent.get_content_type() == "multipart/alternative"
        text, html = sent.iter_parts()
        assert [part.get_content_type() for part in (text, html)] == ["text/plain", "text/html"]
        assert '<html lang="be">' in html.get_content()
        links = re.findall(r"(?m)^http\S+$", text.get_content())
        assert links
        assert re.findall(r'href="(http[^"]+)"', html.get_content()) == links

    def test_a_mail_that_is_sent_again_is_the_same(self) -> None:
        emails.received(make_signature(make_letter()))
        pages = []
        for _ in range(2):
            Mail.objects.update(status=MailStatus.QUEUED)
            row = Mail.objects.get()
            services._message(row).send()
            pages.append(as_received().get_body(("html",)))
        first, second = (page.get_content() for page in pages if page)
        assert first == second


def as_received() -> EmailMessage:
    """The mail that was sent last, as a mail program reads it."""
    return message_from_bytes(sent_mail.outbox[-1].message().as_bytes(), policy=default)
