"""What an administrator does with accounts."""

from collections.abc import Iterable

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt, encrypt
from django.db import transaction

from accounts import emails
from accounts.adapter import password_url
from accounts.models import Role, User
from ledger.services import witness


class RoleNeedsLanguage(Exception):
    """A translator is one of a language."""


class NoSecondFactor(Exception):
    """There is none to remove."""


def add_staff(
    *, email: str, name: str, roles: Iterable[str], language: str, password: str | None = None, translates: str = ""
) -> User:
    """Let a person in with `roles`, or add these to a person who is in already.

    Name, language and password of an account that exists are changed too, the password only where one is given. An
    administrator may open Django's admin as well. `translates` is the language of a translator. Raises
    `RoleNeedsLanguage`.
    """
    roles = {Role.Name(role) for role in roles}
    if Role.Name.TRANSLATOR in roles and not translates:
        raise RoleNeedsLanguage
    with transaction.atomic():
        user = User.objects.filter(email=email.strip().lower()).first() or User.objects.create_user(email)
        user.name, user.language = name, language
        if Role.Name.ADMINISTRATOR in roles:
            user.is_staff = user.is_superuser = True
        if password is not None:
            user.set_password(password)
        user.save()
        for role in roles:
            user.roles.get_or_create(role=role, language=translates if role == Role.Name.TRANSLATOR else "")
    return user


def password_link(user: User) -> str:
    """A link under which `user` chooses a password: good once, and for `PASSWORD_RESET_TIMEOUT`."""
    return password_url(f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}")


def remove_second_factor(user: User, *, by: User | None) -> None:
    """Let `user`, who lost it, in by the password alone until another is set up. Raises `NoSecondFactor`.

    `by` is None for an operator at the command line.
    """
    with transaction.atomic():
        if not Authenticator.objects.filter(user=user).delete()[0]:
            raise NoSecondFactor
        witness(user, "factor removed", by=by)
        emails.notice(user, "second_factor_removed")


def encrypt_factors_anew() -> int:
    """Have the secrets of second factors under the first of `CONTACT_KEYS`. Returns how many there are."""
    count = 0
    for factor in Authenticator.objects.exclude(
        type=Authenticator.Type.WEBAUTHN
    ):  # of a key only its public half is here
        for name in factor.data.keys() & {"secret", "seed"}:
            factor.data[name] = encrypt(decrypt(factor.data[name]))
            count += 1
        factor.save(update_fields=["data"])
    return count
