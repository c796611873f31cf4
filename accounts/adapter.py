from typing import Any
from urllib.parse import urlsplit

import segno
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as current
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import emails
from accounts.freshness import is_fresh
from accounts.models import User
from mailing import encryption
from mailing.services import queue


class StaffAdapter(DefaultAccountAdapter):
    """Accounts are the staff's: an administrator adds them, nobody signs up."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account has been closed."),
        "email_password_mismatch": _("The e-mail address or the password is not right."),
        "enter_current_password": _("This is not your current password."),
        "incorrect_password": _("The password is not right."),
        "too_many_login_attempts": _("Too many attempts failed. Wait five minutes, then try again."),
        "rate_limited": _("Too many attempts. Wait a minute, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """A keyed hash in place of the address: enough to count attempts, and no address is kept."""
        return salted_hmac("accounts.client", super().get_client_ip(request)).hexdigest()[:32]

    def get_reset_password_from_key_url(self, key: str) -> str:
        return password_url(key)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse(settings.LOGIN_REDIRECT_URL)

    def is_reauthentication_required(self, *, app: str, **more: Any) -> bool:
        return not is_fresh(current.request)

    def send_notification_mail(self, template_prefix: str, user: User, *_: Any, **more: Any) -> None:
        """allauth would tell the address and the browser from which it was done; neither is kept here, nor mailed."""
        emails.notice(user, template_prefix)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Through the outbox: the page answers as fast for a known address as for any, and with the relay away."""
        user: User | None = context.get("user")
        queue(
            key=f"{template_prefix}:{user.pk if user else ''}:{timezone.now().isoformat()}",
            to=email,
            language=user.language if user else translation.get_language() or settings.LANGUAGE_CODE,
            template=f"{template_prefix}.txt",
            context={"PUBLIC_URL": settings.PUBLIC_URL, **context},
            is_demonstration=False,
        )


class SecondFactorAdapter(DefaultMFAAdapter):
    """A code of an app, a security key, or a recovery code, after the password."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _(
            "This code or key is not right. A code of the app is good for half a minute, and no code is good twice."
        ),
    }

    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return encryption.decrypt(encrypted_text)

    def build_totp_svg(self, url: str) -> str:
        svg: str = segno.make(url, error="m", micro=False).svg_inline(border=4, omitsize=True, light="white")
        return svg

    def generate_authenticator_name(self, user: User, type: str) -> str:
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return gettext("Key %(number)s") % {"number": number}

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """The site as it is configured, whatever host a request names."""
        return {"id": urlsplit(settings.PUBLIC_URL).hostname or "", "name": "Undersigned"}


def password_url(key: str) -> str:
    """The link under which the owner of `key` chooses a password."""
    uid, _, token = key.partition("-")
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})
    return str(settings.PUBLIC_URL) + path
