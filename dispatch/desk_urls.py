from django.urls import path

from dispatch import desk

urlpatterns = [
    path("letters/<slug:slug>/cut/", desk.cut, name="cut"),
    path("editions/<int:pk>/try-again/", desk.try_again, name="try_again"),
    path("editions/<int:pk>/prepare/", desk.prepare, name="prepare"),
    path("editions/<int:pk>/<str:language>.pdf", desk.edition_pdf, name="edition_pdf"),
    path("dispatches/<int:pk>/", desk.dispatch, name="dispatch"),
    path("dispatches/<int:pk>/authorise/", desk.authorise, name="authorise"),
    path("dispatches/<int:pk>/halt/", desk.halt, name="halt"),
    path("dispatches/<int:pk>/resume/", desk.resume, name="resume"),
    path("dispatches/<int:pk>/cancel/", desk.cancel, name="cancel"),
    path("deliveries/<int:pk>/resolve/", desk.resolve, name="resolve"),
]
