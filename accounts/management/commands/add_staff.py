from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from accounts.models import Role
from accounts.services import RoleNeedsLanguage, add_staff, password_link


class Command(BaseCommand):
    help = "Lets a member of staff in, or gives one more roles. Prints a link under which they choose a password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        languages = list(dict(settings.LANGUAGES))
        parser.add_argument("email")
        parser.add_argument("--role", action="append", required=True, choices=Role.Name.values, dest="roles")
        parser.add_argument("--name", default="")
        parser.add_argument("--language", default=settings.LANGUAGE_CODE, choices=languages)
        parser.add_argument("--translates", default="", choices=languages, help="the language of a translator")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            validate_email(options["email"])
        except ValidationError:
            raise CommandError(f"{options['email']} is not an e-mail address.") from None
        stated = {key: options[key] for key in ("email", "name", "roles", "language", "translates")}
        try:
            user = add_staff(**stated)
        except RoleNeedsLanguage:
            raise CommandError("Say which language a translator translates into: --translates be") from None
        self.stdout.write(f"{user.email} chooses a password, once, at\n{password_link(user)}")
