from django.urls import path

from publishing.pages import pages
from publishing.views import serve

urlpatterns = [path(page.path, serve(page), name=page.name) for page in pages()]
