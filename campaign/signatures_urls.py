"""A signer's own pages. Their addresses say nothing of letters, for the links to them are in mails."""

from django.urls import include, path

from campaign import leaving
from signatories.views import account, answering, consent, own

app_name = "signatures"
of_a_signature = [
    path("", own.own, name="own"),
    path("correct/", own.correct, name="correct"),
    path("hand-over/", own.hand_over, name="hand_over"),
    path("hand-over/take-back/", own.take_back, name="take_back"),
    path("language/", own.language, name="language"),
    path("withhold/", leaving.withhold, name="withhold"),
    path("keep/", consent.keep, name="keep"),
    path("code/", account.code_by_link, name="code_by_link"),
]
urlpatterns = [
    path("", account.account, name="account"),
    path("code/", account.code, name="code"),
    path("sign-out/", account.sign_out, name="sign_out"),
    path("secret/", own.secret, name="secret"),
    path("confirm/<str:token>/", own.confirm, name="confirm"),
    path("no-reminders/<str:token>/", consent.no_reminders, name="no_reminders"),
    path("answer/<str:token>/", answering.answer, name="answer"),
    path("take-over/<str:token>/", own.take_over, name="take_over"),
    path("withdraw/<str:token>/", leaving.withdraw, name="withdraw"),
    path("own/<str:token>/", include(of_a_signature)),
    path("<int:pk>/", include(of_a_signature)),
    path("<int:pk>/co-sign/<slug:slug>/", account.co_sign, name="co_sign"),
]
