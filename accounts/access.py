"""Who may do what: every security check of the staff's pages passes through one of these functions."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from accounts.models import Role, User

View = Callable[..., HttpResponse]


def access_desk(user: User) -> None:
    """The desk is open to whoever holds any role."""
    _require(user, *Role.Name.values)


def access_review(user: User) -> None:
    """To decide on signatures."""
    _require(user, Role.Name.REVIEWER, Role.Name.CAMPAIGNER)


def access_campaign(user: User) -> None:
    """To freeze an edition and prepare a dispatch."""
    _require(user, Role.Name.CAMPAIGNER)


def access_send(user: User) -> None:
    """To authorise, halt or resolve what leaves the house."""
    _require(user, Role.Name.SENDER)


def staff_page(check: Callable[[User], None]) -> Callable[[View], View]:
    """A view for those whom `check` lets through; anonymous readers are led to the login."""

    def decorate(view: View) -> View:
        @wraps(view)
        @login_required
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            assert isinstance(request.user, User)
            check(request.user)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def _require(user: User, *roles: str) -> None:
    if not user.has_role(*roles):
        raise PermissionDenied


def admin_login(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """Django's admin has no door of its own: it is entered by the staff's login."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.get_full_path())
