"""Whether somebody signed in a moment ago: what matters most is not done from a browser that was left open."""

import time

from allauth.account import app_settings
from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest


def is_fresh(request: HttpRequest) -> bool:
    """Whether the reader signed in, or showed again who they are, within `ACCOUNT_REAUTHENTICATION_TIMEOUT`."""
    if not request.user.is_authenticated:
        return False
    shown = [record["at"] for record in get_authentication_records(request, request.user)]
    timeout: int = app_settings.REAUTHENTICATION_TIMEOUT
    return bool(shown) and 0 <= time.time() - shown[-1] < timeout
