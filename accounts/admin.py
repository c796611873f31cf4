import allauth.mfa.admin  # noqa: F401 (it registers what is taken back here)
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.access import staff, to_fresh_login
from accounts.freshness import is_fresh
from accounts.models import Role, User
from accounts.services import NoSecondFactor, remove_second_factor

admin.site.unregister(Authenticator)  # it shows what is kept of a factor


class RoleInline(admin.TabularInline[Role, User]):
    model = Role
    extra = 0


@admin.register(User)
class UserAdmin(BaseUserAdmin):
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_superuser", "has_second_factor")
    actions = ("remove_second_factor",)
    search_fields = ("email", "name")
    inlines = (RoleInline,)
    fieldsets = (
        (None, {"fields": ("email", "password", "name", "language")}),
        (_("Permissions"), {"fields": ("is_active", "is_staff", "is_superuser")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "language", "password1", "password2")}),)

    @admin.display(description=_("Second factor"), boolean=True)
    def has_second_factor(self, user: User) -> bool:
        return bool(is_mfa_enabled(user))

    @admin.action(description=_("Remove the second factor of those who lost it"))
    def remove_second_factor(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse | None:
        if not is_fresh(request):
            return to_fresh_login(request, request.get_full_path())
        count = 0
        for user in users:
            try:
                remove_second_factor(user, by=staff(request))
                count += 1
            except NoSecondFactor:
                messages.warning(request, gettext("No second factor: %(who)s.") % {"who": user})
        said = ngettext("Removed from %(count)s account.", "Removed from %(count)s accounts.", count)
        if count:
            messages.success(request, said % {"count": count})
        return None
