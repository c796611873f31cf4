"""Every address of the site. Those below a language are the public's; the rest is the staff's."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from accounts import access
from campaign import views

admin.site.login = access.admin_login  # type: ignore[method-assign]
admin.site.has_permission = access.admin_permission  # type: ignore[method-assign]

urlpatterns = [
    path("", views.to_readers_language, name="root"),
    path("healthz", views.healthz, name="healthz"),
    path("accounts/", include("accounts.urls")),
    path("desk/", include("campaign.desk_urls")),
    path("admin/", admin.site.urls),
    *i18n_patterns(
        path("", include("publishing.urls")),
        path("letters/<slug:slug>/", include("signatories.urls")),
        path("letters/<slug:slug>/", include("dispatch.public_urls")),
    ),
]

handler400 = "campaign.views.bad_request"
handler403 = "campaign.views.forbidden"
handler404 = "campaign.views.not_found"
handler500 = "campaign.views.server_error"
