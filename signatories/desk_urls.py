from django.urls import path

from signatories import desk

urlpatterns = [
    path("signatures/<int:pk>/approve/", desk.approve, name="approve"),
    path("signatures/<int:pk>/reject/", desk.reject, name="reject"),
]
