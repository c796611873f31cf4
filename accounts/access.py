"""Who may do what: every security check of the staff's pages passes through one of these functions."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _

from accounts.freshness import is_fresh
from accounts.models import Role, User

View = Callable[..., HttpResponseBase]


def access_desk(user: User) -> None:
    """The desk is open to whoever holds any role."""
    _require(user, *Role.Name.values)


def access_review(user: User) -> None:
    """To decide on signatures."""
    _require(user, Role.Name.REVIEWER, Role.Name.CAMPAIGNER)


def access_campaign(user: User) -> None:
    """To freeze an edition and prepare a dispatch."""
    _require(user, Role.Name.CAMPAIGNER)


def access_text(user: User) -> None:
    """To change the text of a letter; a translator in the languages of `text_languages` alone."""
    _require(user, Role.Name.CAMPAIGNER, Role.Name.TRANSLATOR)


def text_languages(user: User) -> list[str]:
    """The languages of the site in which `user` may change texts."""
    offered = [code for code, _ in settings.LANGUAGES]
    if user.has_role(Role.Name.CAMPAIGNER):
        return offered
    translated = {role.language for role in user.roles.all() if role.role == Role.Name.TRANSLATOR}
    return [code for code in offered if code in translated]


def access_send(user: User) -> None:
    """To authorise, halt or resolve what leaves the house."""
    _require(user, Role.Name.SENDER)


def access_deliveries(user: User) -> None:
    """To write down what became of a delivery, read what came back, and choose the next way."""
    _require(user, Role.Name.CAMPAIGNER, Role.Name.SENDER)


def staff_page(check: Callable[[User], None], *, second_factor: bool = True) -> Callable[[View], View]:
    """A view for those whom `check` lets through; anonymous readers are led to the login.

    Where the site wants a second factor, who has none is led to setting one up, unless the page is needed for that.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not isinstance(request.user, User):
                return _to_login(request)
            prefetch_related_objects([request.user], "roles")  # asked for again and again, for what a page offers
            check(request.user)
            if second_factor and lacks_second_factor(request.user):
                return _to_second_factor(request)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def fresh_login(view: View) -> View:
    """A button of a `staff_page` for which one has to have signed in within the last minutes.

    Who has not is asked for it and led back to the page with the button: it is pressed by people alone.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_fresh(request):
            return view(request, *args, **kwargs)
        return to_fresh_login(request, back(request, reverse(settings.LOGIN_REDIRECT_URL)))

    return guarded


def to_fresh_login(request: HttpRequest, page: str) -> HttpResponse:
    """Ask who it is, then lead back to `page`."""
    messages.info(
        request,
        _("You then come back to the page that you were on. Nothing is done yet: press the button there again."),
    )
    [way, *_others] = get_adapter().get_reauthentication_methods(request.user)
    return redirect(f"{way['url']}?{urlencode({'next': page})}")


def lacks_second_factor(user: User) -> bool:
    """Whether the site wants one and `user` has none. Recovery codes alone are none."""
    factors = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES)
    return settings.REQUIRE_SECOND_FACTOR and not factors.exists()


def may(user: User, check: Callable[[User], None]) -> bool:
    """Whether `check` lets `user` through: for what a page offers. What it does is checked where it is done."""
    try:
        check(user)
    except PermissionDenied:
        return False
    return True


def admin_permission(request: HttpRequest) -> bool:
    """Django's admin is for superusers; other members of staff are refused, whatever else they may do."""
    if not isinstance(request.user, User):
        return False
    if not (request.user.is_active and request.user.is_superuser):
        raise PermissionDenied
    return not lacks_second_factor(request.user)


def admin_login(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """Django's admin has no door of its own: it is entered by the staff's login, with all that it asks for."""
    if admin_permission(request):
        return redirect("admin:index")
    if request.user.is_authenticated:
        return _to_second_factor(request)
    return redirect_to_login(back(request, reverse("admin:index")))


def back(request: HttpRequest, default: str) -> str:
    """Where the reader came from, as `next` says, if that is a page of ours."""
    stated = request.POST.get("next") or request.GET.get("next") or ""
    ours = stated.startswith("/") and url_has_allowed_host_and_scheme(stated, allowed_hosts=None)
    return stated if ours else default


def staff(request: HttpRequest) -> User:
    """Who is signed in, on a `staff_page`."""
    assert isinstance(request.user, User)
    return request.user


def _to_login(request: HttpRequest) -> HttpResponse:
    """A page is shown after the login; a button is not pressed again, the reader is led back to it."""
    if request.method in ("GET", "HEAD"):
        return redirect_to_login(request.get_full_path())
    return redirect_to_login(back(request, reverse(settings.LOGIN_REDIRECT_URL)))


def _to_second_factor(request: HttpRequest) -> HttpResponse:
    messages.info(request, _("The desk opens once you sign in with a second factor. Set one up here."))
    return redirect("mfa_index")


def _require(user: User, *roles: str) -> None:
    if not user.has_role(*roles):
        raise PermissionDenied
