"""Every address of the site. Those below a language are the public's; the rest is the staff's."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from accounts import access
from campaign import views
from dispatch import views as dispatch_views
from publishing.urls import published

admin.site.login = access.admin_login  # type: ignore[method-assign]
admin.site.has_permission = access.admin_permission  # type: ignore[method-assign]

urlpatterns = [
    path("", views.to_readers_language, name="root"),
    path("healthz", views.healthz, name="healthz"),
    path("hooks/<slug:provider>/tracking/", dispatch_views.tracking, name="hook"),
    path("accounts/", include("accounts.urls")),
    path("desk/", include("campaign.desk_urls")),
    path("admin/", admin.site.urls),
    *i18n_patterns(
        path("letters/<slug:slug>/", include("signatories.urls")),
        path("", include("signatories.invited_urls")),
        path("signatures/", include("campaign.signatures_urls")),
        path("", include("dispatch.urls")),
        *published(in_languages=True),
    ),
    *published(in_languages=False),
]

handler400 = "campaign.views.bad_request"
handler403 = "campaign.views.forbidden"
handler404 = "campaign.views.not_found"
handler500 = "campaign.views.server_error"
