from django.urls import path

from signatories import desk, desk_list

urlpatterns = [
    path("letters/<slug:slug>/order/", desk_list.order, name="order"),
    path("letters/<slug:slug>/places/", desk_list.places, name="places"),
    path("signatures/<int:pk>/approve/", desk.approve, name="approve"),
    path("signatures/<int:pk>/reject/", desk.reject, name="reject"),
]
