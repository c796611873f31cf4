"""What an administrator does with accounts."""

from collections.abc import Iterable

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.db import transaction

from accounts.adapter import password_url
from accounts.models import Role, User


class RoleNeedsLanguage(Exception):
    """A translator is one of a language."""


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
