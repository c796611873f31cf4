"""What a visitor of a signer's pages has proven: a mailbox, by a code from it; or one signature, by its secret.

Kept in the session, for half an hour, and apart from who is signed in as staff: neither leads to the other.
"""

import time
from datetime import timedelta
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core.internal.cryptokit import compare_user_code, normalize_user_code
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from signatories.models import Signature, SignatureQuerySet

LASTS = timedelta(minutes=30)
CODE_LASTS = timedelta(minutes=10)
ATTEMPTS = 3
KEY, CODE_KEY = "signer", "signer_code"


def expect_code(request: HttpRequest, mailbox: str) -> str:
    """A new code for whoever reads `mailbox`, to be entered in this browser and no other; the latest one counts."""
    code: str = get_adapter(request).generate_login_code()
    request.session[CODE_KEY] = {"mailbox": mailbox, "code": _hashed(code), "at": time.time(), "failed": 0}
    _last(request)
    return code


def expected_mailbox(request: HttpRequest) -> str:
    """Whose code is waited for; empty if none is, or not any more."""
    state = request.session.get(CODE_KEY, {})
    if not state or time.time() - state["at"] > CODE_LASTS.total_seconds():
        return ""
    mailbox: str = state["mailbox"]
    return mailbox


def enter_code(request: HttpRequest, code: str) -> bool:
    """Whether it is the code that was mailed. It works once, and is void after `ATTEMPTS` that were wrong."""
    mailbox = expected_mailbox(request)
    state = request.session.pop(CODE_KEY, None)
    if not mailbox:
        return False
    if compare_user_code(actual=_hashed(code), expected=state["code"]):
        _begin(request, mailbox=mailbox)
        return True
    if state["failed"] + 1 < ATTEMPTS:
        request.session[CODE_KEY] = {**state, "failed": state["failed"] + 1}
    return False


def open_by_secret(request: HttpRequest, secret_index: str) -> None:
    """The secret itself was right; its index is what later secrets make worthless."""
    _begin(request, secret=secret_index)


def end(request: HttpRequest) -> None:
    """The "sign out" button. Who is signed in as staff in the same browser stays so."""
    for key in (KEY, CODE_KEY):
        request.session.pop(key, None)
    if not request.session.keys() - {"_session_expiry"}:
        request.session.flush()


def is_on(request: HttpRequest) -> bool:
    return bool(_state(request))


def mailbox_of(request: HttpRequest) -> str:
    """The mailbox that was proven, or nothing."""
    found: str = _state(request).get("mailbox", "")
    return found


def is_open_to(request: HttpRequest, signature: Signature) -> bool:
    """Whether the visitor has proven what the page of this very signature takes."""
    state = _state(request)
    if signature.is_withheld:
        return bool(signature.secret_index) and state.get("secret") == signature.secret_index
    return bool(signature.mailbox) and state.get("mailbox") == signature.mailbox


def signatures_of(mailbox: str) -> SignatureQuerySet:
    """What the list behind a code shows: nothing of what is withheld or locked, for a mailbox may be read by others."""
    return Signature.objects.unlocked().filter(mailbox=mailbox, visibility=Signature.Visibility.PUBLIC)


def _begin(request: HttpRequest, **proven: str) -> None:
    known = {name: value for name, value in _state(request).items() if name in ("mailbox", "secret")}
    request.session.cycle_key()
    request.session[KEY] = {**known, **proven, "until": time.time() + LASTS.total_seconds()}
    _last(request)


def _state(request: HttpRequest) -> dict[str, Any]:
    state: dict[str, Any] = request.session.get(KEY, {})
    return state if state and time.time() < state["until"] else {}


def _last(request: HttpRequest) -> None:
    """The cookie goes with what it holds; that of staff has an end of its own."""
    if not request.user.is_authenticated:
        request.session.set_expiry(LASTS)


def _hashed(code: str) -> str:
    return salted_hmac("signatories.code", normalize_user_code(code), algorithm="sha256").hexdigest()
