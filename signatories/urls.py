from django.urls import path

from signatories.views import signing as views

app_name = "signatories"
urlpatterns = [
    path("sign/", views.sign, name="sign"),
    path("sign/challenge/", views.challenge, name="challenge"),
    path("sign/sent/", views.sent, name="sent"),
]
