"""The least that Django does for a form: a ModelForm with a unique constraint, on the database of the site.

`python -m tests.bench.minimal` makes its table.
"""

import django
from django import forms
from django.conf import settings

from campaign import settings as site

settings.configure(
    SECRET_KEY=site.SECRET_KEY,
    ALLOWED_HOSTS=["*"],
    DATABASES=site.DATABASES,
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"],
    DEFAULT_AUTO_FIELD=site.DEFAULT_AUTO_FIELD,
    USE_TZ=True,
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - what follows stands on the settings
from django.db import connection, models  # noqa: E402
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect  # noqa: E402
from django.urls import path  # noqa: E402


class Signatory(models.Model):
    name = models.CharField(max_length=250)
    country = models.CharField(max_length=2)
    representative = models.CharField(max_length=150)
    role = models.CharField(max_length=150)
    email = models.EmailField()

    class Meta:
        app_label = "bench"
        constraints = [models.UniqueConstraint(fields=("name", "email"), name="signs_once")]

    def __str__(self) -> str:
        return self.name


class SignForm(forms.ModelForm):
    class Meta:
        model = Signatory
        fields = ("name", "country", "representative", "role", "email")


def sign(request: HttpRequest) -> HttpResponse:
    form = SignForm(request.POST)
    if form.is_valid():
        form.save()
        return HttpResponseRedirect("/sent/")
    return HttpResponse(form.errors.as_text(), status=422)


urlpatterns = [path("sign/", sign)]
application = get_wsgi_application()

if __name__ == "__main__":
    with connection.schema_editor() as editor:
        editor.create_model(Signatory)
