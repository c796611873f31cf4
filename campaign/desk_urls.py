"""The staff's pages, one place of the desk a file."""

from django.urls import include, path

from campaign import desk, desk_campaign, desk_text, numbers

app_name = "desk"
urlpatterns = [
    path("", desk.home, name="home"),
    path("numbers/", numbers.numbers, name="numbers"),
    path("letters/<slug:slug>/", desk.letter, name="letter"),
    path("letters/<slug:slug>/signing/", desk.signing, name="signing"),
    path("letters/<slug:slug>/open/", desk.open_signing, name="open_signing"),
    path("letters/<slug:slug>/close/", desk.close_signing, name="close_signing"),
    path("campaigns/<int:pk>/", desk_campaign.campaign, name="campaign"),
    path("letters/<slug:slug>/text/", desk_text.text, name="text"),
    path("letters/<slug:slug>/text/versions/", desk_text.versions, name="versions"),
    path("letters/<slug:slug>/text/versions/<int:number>/", desk_text.version, name="version"),
    path("", include("signatories.desk_urls")),
    path("", include("signatories.desk_organisations_urls")),
    path("", include("dispatch.desk_urls")),
]
