"""The settings as the type checker sees them: modeltranslation replaces managers while it runs."""

from campaign.settings import *  # noqa: F403
from campaign.settings import INSTALLED_APPS as _APPS

# Without modeltranslation its admin classes can't be set up, so the admin looks for none.
_ADMIN = {"django.contrib.admin": "django.contrib.admin.apps.SimpleAdminConfig"}
INSTALLED_APPS = [_ADMIN.get(app, app) for app in _APPS if app != "modeltranslation"]
