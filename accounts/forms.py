from typing import Any

from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AddWebAuthnForm, AuthenticateWebAuthnForm, ReauthenticateWebAuthnForm
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.crypto import salted_hmac


class _Once(BaseAuthenticateForm):
    """A code is good once for as long as it is good at all: allauth forgets it sooner than its tolerance lasts."""

    def clean_code(self) -> str:
        code: str = super().clean_code()
        used = salted_hmac("accounts.code", f"{self.user.pk}:{code}").hexdigest()
        lifetime = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
        if not cache.add(f"code:{used}", True, timeout=lifetime):
            raise get_adapter().validation_error("incorrect_code")
        return code


class CodeForm(_Once, AuthenticateForm):
    """The second step of signing in."""


class CodeOnceMoreForm(_Once, ReauthenticateForm):
    """Shown again before what matters most."""


class AddKeyForm(AddWebAuthnForm):
    """A new key, with what it answered."""

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            raise
        except Exception:  # whatever a forged answer breaks on its way through the parsers
            raise get_adapter().validation_error("incorrect_code") from None
        return cleaned


class _Answered(AuthenticateWebAuthnForm):
    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()
        except ValidationError:
            raise
        except Exception:  # a wrong signature, or whatever a forged answer breaks on its way through the parsers
            raise get_adapter().validation_error("incorrect_code") from None


class KeyForm(_Answered):
    """A key as the second step of signing in."""


class KeyOnceMoreForm(_Answered, ReauthenticateWebAuthnForm):
    """Shown again before what matters most."""
