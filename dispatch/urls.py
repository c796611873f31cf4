from django.urls import path

from dispatch import views

urlpatterns = [path("verify/", views.verify, name="verify")]
