"""What we mail to staff about their accounts."""

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from mailing.services import queue

# What was done to an account, by allauth's names for it and ours.
NOTICES = {
    "account/email/password_changed": _("The password of your account was changed"),
    "account/email/password_reset": _("A new password was chosen for your account"),
    "account/email/password_set": _("A password was chosen for your account"),
    "mfa/email/totp_activated": _("An authenticator app was added to your account"),
    "mfa/email/totp_deactivated": _("The authenticator app was removed from your account"),
    "mfa/email/webauthn_added": _("A security key was added to your account"),
    "mfa/email/webauthn_removed": _("A security key was removed from your account"),
    "mfa/email/recovery_codes_generated": _("New recovery codes were made for your account"),
    "second_factor_removed": _("An administrator removed the second factor from your account"),
}


def notice(user: User, what: str) -> None:
    """Tell of one of `NOTICES`: what and when, never from where."""
    now = timezone.now()
    queue(
        key=f"{what}:{user.pk}:{now.isoformat()}",
        to=user.email,
        language=user.language,
        template="account/email/notice.txt",
        context={"what": NOTICES[what], "when": now, "PUBLIC_URL": settings.PUBLIC_URL},
        is_demonstration=False,
    )
