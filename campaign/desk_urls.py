"""The staff's pages, one place of the desk a file."""

from django.urls import include, path

from campaign import desk, numbers

app_name = "desk"
urlpatterns = [
    path("", desk.home, name="home"),
    path("numbers/", numbers.numbers, name="numbers"),
    path("letters/<slug:slug>/", desk.letter, name="letter"),
    path("letters/<slug:slug>/signing/", desk.signing, name="signing"),
    path("letters/<slug:slug>/open/", desk.open_signing, name="open_signing"),
    path("letters/<slug:slug>/close/", desk.close_signing, name="close_signing"),
    path("", include("signatories.desk_urls")),
    path("", include("dispatch.desk_urls")),
]
