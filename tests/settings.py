"""The site's settings, but for what would only cost a test time."""

from campaign.settings import *  # noqa: F403
from campaign.settings import MIDDLEWARE as _MIDDLEWARE

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MIDDLEWARE = [*_MIDDLEWARE, "tests.published.JustPublished"]
WHITENOISE_AUTOREFRESH = True  # each new client would go through all files of the site first
