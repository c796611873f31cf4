from django.urls import path

from signatories import desk, desk_import, desk_list

urlpatterns = [
    path("letters/<slug:slug>/import/", desk_import.tables, name="tables"),
    path("letters/<slug:slug>/export/", desk_import.take_away, name="export"),
    path("imports/<int:pk>/", desk_import.found, name="import"),
    path("imports/<int:pk>/begin/", desk_import.begin, name="begin_import"),
    path("imports/<int:pk>/drop/", desk_import.drop, name="drop_import"),
    path("letters/<slug:slug>/order/", desk_list.order, name="order"),
    path("letters/<slug:slug>/places/", desk_list.places, name="places"),
    path("signatures/<int:pk>/approve/", desk.approve, name="approve"),
    path("signatures/<int:pk>/reject/", desk.reject, name="reject"),
]
