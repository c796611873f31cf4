"""For those who have not come to us: behind a link that was mailed to them, or handed to their coalition."""

from django.urls import path

from signatories.views import invited

urlpatterns = [
    path("invited/<str:token>/", invited.invited, name="invited"),
    path("invited/<str:token>/sign/", invited.sign, name="invited_sign"),
    path("invited/<str:token>/sign/sent/", invited.sent, name="invited_sent"),
    path("invited/<str:token>/decline/", invited.decline, name="invited_decline"),
    path("invited/<str:token>/not-us/", invited.stop_mails, name="invited_stop"),
    path("invited/<str:token>/answered/", invited.answered, name="invited_answered"),
    path("not-us/<str:token>/", invited.not_us, name="not_us"),
]
