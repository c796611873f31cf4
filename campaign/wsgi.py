"""The site as a WSGI application: published files first, Django for what has to be computed."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from publishing.serving import Published

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")
_computed = get_wsgi_application()
application = Published(_computed, settings.PUBLISHED_ROOT / "current", settings.PUBLISHED_HEADERS)
