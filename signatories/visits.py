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

from mailing.encryption import keyed_index
from signatories.folding import mailbox
from signatories.models import Signature

LASTS = timedelta(minutes=30)
CODE_LASTS = timedelta(minutes=10)
ATTEMPTS = 3
KEY, CODE_KEY = "signer", "signer_code"


def new_code(request: HttpRequest) -> str:
    code: str = get_adapter(request).generate_login_code()
    return code


def expect_code(request: HttpRequest, code: str, address: str) -> None:
    """`code` was mailed to `address`, and is to be entered in this browser and no other; the latest one counts."""
    request.session[CODE_KEY] = {**_whose(address), "code": _hashed(code), "at": time.time(), "failed": 0}
    _last(request)


def expected_mailbox(request: HttpRequest) -> str:
    """Whose code is waited for; empty if none is, or not any more."""
    state = request.session.get(CODE_KEY, {})
    if not state or time.time() - state["at"] > CODE_LASTS.total_seconds():
        return ""
    found: str = state["mailbox"]
    return found


def expected_code(request: HttpRequest) -> str:
    """The hash of the code that is waited for: under it attempts are counted, whatever becomes of the session."""
    found: str = request.session[CODE_KEY]["code"]
    return found


def enter_code(request: HttpRequest, code: str) -> bool:
    """Whether it is the code that was mailed. It works once, and is void after `ATTEMPTS` that were wrong."""
    expected = expected_mailbox(request)
    state = request.session.pop(CODE_KEY, None)
    if not expected:
        return False
    if compare_user_code(actual=_hashed(code), expected=state["code"]):
        _begin(request, mailbox=expected, address=state["address"])
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


def has_code(request: HttpRequest) -> bool:
    """Whether a mailbox was proven."""
    return "mailbox" in _state(request)


def is_on(request: HttpRequest) -> bool:
    return bool(_state(request))


def is_open_to(request: HttpRequest, signature: Signature) -> bool:
    """Whether the visitor has proven what the page of this very signature takes."""
    state = _state(request)
    if signature.is_withheld:
        return bool(signature.secret_index) and state.get("secret") == signature.secret_index
    return bool(signature.email) and _whose(signature.email).items() <= state.items()


def signatures(request: HttpRequest) -> list[Signature]:
    """What the list behind a code shows, the latest first."""
    listed = listed_under(_state(request).get("mailbox", ""))
    return [signature for signature in listed if is_open_to(request, signature)]


def listed_under(mailbox: str) -> list[Signature]:
    """What a code for `mailbox` may open: nothing withheld or locked, for others may read the mailbox."""
    found = Signature.objects.unlocked().filter(mailbox=mailbox, visibility=Signature.Visibility.PUBLIC)
    return list(found.select_related("letter", "version").order_by("-pk")) if mailbox else []


def _begin(request: HttpRequest, **proven: str) -> None:
    known = {name: value for name, value in _state(request).items() if name != "until"}
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


def _whose(address: str) -> dict[str, str]:
    """A mailbox as it is found, without dots and tags, and the address itself: at some servers these make another's."""
    return {"mailbox": mailbox(address), "address": keyed_index("address", address.casefold())}


def _hashed(code: str) -> str:
    return salted_hmac("signatories.code", normalize_user_code(code), algorithm="sha256").hexdigest()
