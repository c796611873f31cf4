"""The staff's pages, one place of the desk a file."""

from django.urls import include, path

from campaign import desk

app_name = "desk"
urlpatterns = [
    path("", desk.home, name="home"),
    path("", include("signatories.desk_urls")),
    path("", include("dispatch.desk_urls")),
]
