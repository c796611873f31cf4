from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.services import NoSecondFactor, remove_second_factor


class Command(BaseCommand):
    help = "Takes a lost second factor off an account: its owner signs in with the password, and sets up another."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        try:
            remove_second_factor(User.objects.get_by_natural_key(email), by=None)
        except User.DoesNotExist:
            raise CommandError(f"{email} is nobody of the staff.") from None
        except NoSecondFactor:
            raise CommandError(f"{email} has no second factor.") from None
        self.stdout.write("Removed. The owner of the account is told by mail.")
