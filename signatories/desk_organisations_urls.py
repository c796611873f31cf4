"""The desk's pages of organisations: invited, known, and recorded for."""

from django.urls import path

from signatories import desk_invitations as invitations
from signatories import desk_locking, desk_recording, desk_registry_tables
from signatories import desk_registry as registry

urlpatterns = [
    path("letters/<slug:slug>/invitations/", invitations.invitations, name="invitations"),
    path("letters/<slug:slug>/invitations/new/", invitations.invite, name="invite"),
    path("letters/<slug:slug>/invitations/chase/", invitations.chase, name="chase"),
    path("letters/<slug:slug>/invitations/link/", invitations.make_link, name="make_link"),
    path("invitations/<int:pk>/revoke/", invitations.revoke, name="revoke_invitation"),
    path("links/<int:pk>/revoke/", invitations.revoke_link, name="revoke_link"),
    path("letters/<slug:slug>/record/", desk_recording.record, name="record"),
    path("organisations/", registry.organisations, name="organisations"),
    path("organisations/add/", registry.add, name="add_organisation"),
    path("organisations/import/", desk_registry_tables.import_table, name="import_organisations"),
    path("organisations/export.<str:form>", desk_registry_tables.export_table, name="export_organisations"),
    path("organisations/<int:pk>/", registry.organisation, name="organisation"),
    path("organisations/<int:pk>/change/", registry.change, name="change_organisation"),
    path("organisations/<int:pk>/lock/", desk_locking.lock, name="lock_organisation"),
    path("organisations/<int:pk>/lock/too/", desk_locking.lock_too, name="lock_too"),
    path("organisations/<int:pk>/unlock/", desk_locking.unlock, name="unlock_organisation"),
    path("organisations/<int:pk>/names/", registry.add_alias, name="add_alias"),
    path("organisations/<int:pk>/logo/", registry.logo, name="logo"),
    path("organisations/<int:pk>/logo/remove/", registry.remove_logo, name="remove_logo"),
    path("organisations/<int:pk>/mandates/", registry.add_mandate, name="add_mandate"),
    path("organisations/<int:pk>/merge/", registry.merge_with, name="merge_with"),
    path("organisations/<int:pk>/merge/<int:other>/", registry.merge, name="merge"),
    path("names/<int:pk>/remove/", registry.remove_alias, name="remove_alias"),
    path("mandates/<int:pk>/end/", registry.end_mandate, name="end_mandate"),
]
