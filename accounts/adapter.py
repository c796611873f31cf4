from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils.crypto import salted_hmac


class StaffAdapter(DefaultAccountAdapter):
    """Accounts are the staff's: an administrator adds them, nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """A keyed hash in place of the address: enough to count attempts, and no address is kept."""
        return salted_hmac("accounts.client", super().get_client_ip(request)).hexdigest()[:32]
