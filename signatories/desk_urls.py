from django.urls import path

from signatories import desk_access, desk_import, desk_list
from signatories.desk import deciding, page

urlpatterns = [
    path("signatures/<int:pk>/access/", desk_access.access, name="access"),
    path("signatures/<int:pk>/access/new-link/", desk_access.new_link, name="new_link"),
    path("signatures/<int:pk>/access/new-secret/", desk_access.new_secret, name="new_secret"),
    path("letters/<slug:slug>/import/", desk_import.tables, name="tables"),
    path("letters/<slug:slug>/export/", desk_import.take_away, name="export"),
    path("imports/<int:pk>/", desk_import.found, name="import"),
    path("imports/<int:pk>/begin/", desk_import.begin, name="begin_import"),
    path("imports/<int:pk>/drop/", desk_import.drop, name="drop_import"),
    path("letters/<slug:slug>/order/", desk_list.order, name="order"),
    path("letters/<slug:slug>/places/", desk_list.places, name="places"),
    path("batch/", deciding.batch, name="batch"),
    path("signatures/<int:pk>/", page.signature, name="signature"),
    path("signatures/<int:pk>/approve/", deciding.approve, name="approve"),
    path("signatures/<int:pk>/reject/", deciding.reject, name="reject"),
    path("signatures/<int:pk>/ask/", page.ask, name="ask"),
    path("signatures/<int:pk>/note/", page.note, name="note"),
    path("signatures/<int:pk>/assign/", page.assign, name="assign"),
    path("signatures/<int:pk>/spell/", page.spell, name="spell"),
    path("signatures/<int:pk>/announcement/", page.announcement, name="announcement"),
    path("signatures/<int:pk>/call-back/", page.call_back, name="call_back"),
    path("signatures/<int:pk>/paper/", page.paper, name="paper"),
    path("signatures/<int:pk>/kept/", page.kept, name="kept"),
    path("corrections/<int:pk>/accept/", page.accept, name="accept_correction"),
    path("corrections/<int:pk>/decline/", page.decline, name="decline_correction"),
    path("questions/<int:pk>/take-back/", page.take_back, name="take_back"),
]
