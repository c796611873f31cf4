from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts.access import access_desk, staff_page
from accounts.models import User


@require_POST
@staff_page(access_desk)
def set_language(request: HttpRequest) -> HttpResponse:
    """Show the desk in another language from now on."""
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=language)
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return redirect(back if safe else settings.LOGIN_REDIRECT_URL)
