"""How tests get to a signer's own pages: by the links in mails, by a code, by a secret."""

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client

from mailing.models import Mail
from signatories import links, services
from signatories.models import Signature
from tests.factories import make_user

ACCOUNT = "/en/signatures/"
SECRET = "/en/signatures/secret/"


def path(url: str) -> str:
    return urlsplit(url).path


def leads_to(text: str, purpose: str, signature: Signature) -> bool:
    """Whether a link in `text` is of that purpose and signature; each token is another one, for it holds the second."""
    tokens = re.findall(rf"/signatures/{purpose.replace('_', '-')}/([^/\s]+)/", text)
    return any(links.read(purpose, token) == signature for token in tokens)


def link_in(mail: Mail) -> str:
    """The path of the first link to a page of the signer in a mail."""
    found = re.search(rf"{re.escape(settings.PUBLIC_URL)}(/\w+/signatures/\S+)", mail.body)
    assert found
    return found[1]


def code_in(mail: Mail) -> str:
    found = re.search(r"\b[A-Z]{4}-[A-Z]{4}\b", mail.body)
    assert found
    return found[0]


def enter_with_code(client: Client, email: str) -> None:
    client.post(ACCOUNT, {"email": email})
    mail = Mail.objects.latest("pk")
    assert client.post(f"{ACCOUNT}code/", {"code": code_in(mail)}).status_code == 302


def secret_of(signature: Signature) -> str:
    secret = services.issue_new_secret(signature, by=make_user())
    signature.refresh_from_db()
    return secret
