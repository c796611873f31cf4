from typing import Any

from allauth.mfa.webauthn.views import ReauthenticateWebAuthnView
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import access_desk, back, staff, staff_page
from accounts.models import User


@require_POST
@staff_page(access_desk, second_factor=False)
def set_language(request: HttpRequest) -> HttpResponse:
    """Show the desk in another language from now on."""
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES):
        User.objects.filter(pk=staff(request).pk).update(language=language)
    return redirect(back(request, reverse(settings.LOGIN_REDIRECT_URL)))


class KeyOnceMore(ReauthenticateWebAuthnView):
    """A key that did not work can be tried again: allauth would lead away from here."""

    def form_invalid(self, form: Any) -> HttpResponse:
        for message in form.errors.get("credential", []):
            messages.error(self.request, message)
        return redirect(self.passthrough_next_url(self.request.path))
