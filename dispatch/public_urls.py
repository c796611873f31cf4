from django.urls import path

from dispatch import views

app_name = "dispatch"
urlpatterns = [
    path("letter.pdf", views.latest_pdf, name="latest_pdf"),
    path("editions/<int:number>/letter.pdf", views.edition_pdf, name="edition_pdf"),
]
