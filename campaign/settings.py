"""Settings of the site, fed from the environment (or `.env`), with defaults that work on a laptop.

docs/operators.md explains each variable. Nothing here asks the network or the database.
"""

import secrets
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from campaign import embedded

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / ".env")


def _secret_key(var_dir: Path) -> str:
    """The key of a laptop: made once, kept outside the code, readable by its owner alone."""
    path = var_dir / "secret-key"
    try:
        with path.open("x") as file:
            path.chmod(0o600)
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    return path.read_text()


def _dns_server(stated: str) -> tuple[str, int] | None:
    """`192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`; None is the resolver of the system."""
    if not stated:
        return None
    has_port = stated.count(":") == 1 or "]:" in stated
    host, _, port = stated.rpartition(":") if has_port else (stated, "", "53")
    try:
        return str(ip_address(host.strip("[]"))), int(port)
    except ValueError as error:
        raise ImproperlyConfigured("DNS_SERVER has to be an IP address, with or without a port.") from error


# Where things are kept ---------------------------------------------------------------------------

VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var"))).resolve()
try:
    VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not env.str("VAR_DIR", default=""):  # an operator's own is as its operator wants it
        VAR_DIR.chmod(0o700)
    EMBEDDED = embedded.running(VAR_DIR)
    SECRET_KEY = env.str("SECRET_KEY", default="") or _secret_key(VAR_DIR)
except OSError as error:
    raise ImproperlyConfigured(f"VAR_DIR can't be used: {error}") from error
# What contacts are encrypted with: the first of them encrypts and indexes, all of them decrypt.
CONTACT_KEYS = env.list("CONTACT_KEYS", default=[SECRET_KEY])
DEBUG = env.bool("DEBUG", default=False)

PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://localhost:{env.str('PORT', default='8000')}").rstrip("/")
_public = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[_public.hostname, "localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
FORCE_SCRIPT_NAME = ""  # the site is at the top of its host, whatever a header says

DATABASE_URL = env.str("DATABASE_URL", default="") or f"sqlite:///{VAR_DIR / 'undersigned.sqlite3'}"
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Writers take the lock when they begin and wait for it, so that none meets "database is locked".
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# What the site is made of ------------------------------------------------------------------------

INSTALLED_APPS = [
    "modeltranslation",
    "campaign",
    "dispatch",
    "signatories",
    "letters",
    "publishing",
    "accounts",
    "mailing",
    "ledger",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "publishing.middleware.NoStoreMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.StaffLanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "campaign.middleware.NoSuchNumberMiddleware",
]

CSRF_FAILURE_VIEW = "campaign.views.csrf_failure"
ROOT_URLCONF = "campaign.urls"
WSGI_APPLICATION = "campaign.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "campaign.context.site",
            ],
        },
    }
]

# Public pages are files below `current/` of this folder.
PUBLISHED_ROOT = VAR_DIR / "public"
# Pages that the public reads: each class gives its addresses, languages, subjects and rendering.
PUBLISHED_PAGES = [
    "campaign.pages.letters.Letters",
    "campaign.pages.letters.LetterPage",
    "campaign.pages.letters.Signatories",
    "campaign.pages.letters.Press",
    "campaign.pages.editions.EditionPage",
    "campaign.pages.editions.EditionPdf",
    "campaign.pages.editions.LetterPdf",
    "campaign.pages.editions.DeliveryRecord",
    "campaign.pages.feeds.SiteFeed",
    "campaign.pages.feeds.LetterFeed",
    "campaign.pages.site.About",
    "campaign.pages.site.Privacy",
    "campaign.pages.site.NotFound",
    "campaign.pages.site.Paused",
    "campaign.pages.site.Sitemap",
    "campaign.pages.site.Robots",
    "campaign.pages.api.Root",
    "campaign.pages.api.LetterDocument",
    "campaign.pages.api.OpenApi",
]

# Languages ---------------------------------------------------------------------------------------

SHIPPED_LANGUAGES = {"en": _("English"), "be": _("Belarusian"), "ru": _("Russian")}
LANGUAGES = [(code, SHIPPED_LANGUAGES[code]) for code in env.list("LANGUAGES", default=list(SHIPPED_LANGUAGES))]
LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["campaign.formats"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# Columns exist for every shipped language, whichever of them this site offers.
MODELTRANSLATION_LANGUAGES = tuple(SHIPPED_LANGUAGES)
MODELTRANSLATION_DEFAULT_LANGUAGE = "en"
MODELTRANSLATION_FALLBACK_LANGUAGES = ("en",)

# Staff -------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "desk:home"
ACCOUNT_ADAPTER = "accounts.adapter.StaffAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # staff are added by an administrator, never by themselves
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # strangers are not mailed
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _public.scheme
# Of those who sign: codes asked for and entered, and secrets tried; by visitor ("ip": a hash of it is kept), and codes
# by the one that is expected. Never by mailbox: else a stranger could lock its owner out.
ACCOUNT_RATE_LIMITS = {
    "signer_code": "20/m/ip",
    "signer_code_entry": "20/m/ip,5/10m/key",
    "signer_secret": "10/m/ip,60/h/ip",
}
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300  # seconds for which a sign-in is fresh
# Whether the desk opens only to those who sign in with a second factor.
REQUIRE_SECOND_FACTOR = env.bool("REQUIRE_SECOND_FACTOR", default=_public.scheme == "https")
MFA_ADAPTER = "accounts.adapter.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "accounts.forms.CodeForm",
    "reauthenticate": "accounts.forms.CodeOnceMoreForm",
    "add_webauthn": "accounts.forms.AddKeyForm",
    "authenticate_webauthn": "accounts.forms.KeyForm",
    "reauthenticate_webauthn": "accounts.forms.KeyOnceMoreForm",
}
MFA_ALLOW_UNVERIFIED_EMAIL = True  # an administrator has vouched for it
MFA_TOTP_ISSUER = f"Undersigned ({_public.hostname})"
MFA_TOTP_TOLERANCE = 1  # the code before and the one after, for phones whose clock is not quite right
# Browsers offer security keys on HTTPS and on this machine alone.
_keys_work = _public.scheme == "https" or _public.hostname == "localhost"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", *(["webauthn"] if _keys_work else [])]
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = _public.scheme != "https"
# How many servers in front add to X-Forwarded-For. Unless it is told, all visitors share one visitor's tries to log in.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", default=0)

# Browsers ----------------------------------------------------------------------------------------

SECURE = _public.scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_REFERRER_POLICY = "same-origin"  # "no-referrer" would break the CSRF check on HTTPS
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "style-src": [SELF],
        "script-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: [] for name in ("camera", "geolocation", "microphone", "payment", "usb", "display-capture")
}

# What Django's middleware adds to computed answers, for the published ones.
PUBLISHED_HEADERS = {
    "Content-Security-Policy": "; ".join(
        f"{name} {' '.join(sources)}" for name, sources in CONTENT_SECURITY_POLICY["DIRECTIVES"].items()
    ),
    "Permissions-Policy": ", ".join(f"{name}=()" for name in PERMISSIONS_POLICY),
    "Referrer-Policy": SECURE_REFERRER_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": X_FRAME_OPTIONS,
    **({"Strict-Transport-Security": f"max-age={SECURE_HSTS_SECONDS}"} if SECURE_HSTS_SECONDS else {}),
}

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "published": {"BACKEND": "publishing.stores.LocalTree", "OPTIONS": {"location": PUBLISHED_ROOT}},
}
# A bucket that speaks S3 may take the place of the tree. Its keys are found as boto3 finds them.
PUBLISHED_BUCKET = env.str("PUBLISHED_BUCKET", default="")
if PUBLISHED_BUCKET:
    STORAGES["published"] = {
        "BACKEND": "publishing.bucket.Bucket",
        "OPTIONS": {
            "bucket_name": PUBLISHED_BUCKET,
            "endpoint_url": env.str("AWS_S3_ENDPOINT_URL", default="") or None,
            "region_name": env.str("AWS_S3_REGION_NAME", default="") or None,
        },
    }
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = VAR_DIR / "media"
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

# Rate limits of accounts are kept beside the data, not in a process: every worker sees the same count.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "django_cache"}}

# Work in the background --------------------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL", default="") or EMBEDDED.get("REDIS_URL", "")
CELERY_BROKER_URL = REDIS_URL or "redis://127.0.0.1:1/0"  # nobody there: work waits in the database
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,  # seconds; longer than any task of ours runs
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 2,
    "socket_timeout": 10,
    # A web request does not wait for a broker that is away.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}
CELERY_TASK_PUBLISH_RETRY = False  # the bell rings once; what it missed the sweepers find
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "sweep-pages": {"task": "publishing.tasks.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "sweep-mirrors": {"task": "publishing.tasks.sweep_mirrors", "schedule": 15.0, "options": {"expires": 15}},
    "sweep-mail": {"task": "mailing.tasks.sweep", "schedule": 10.0, "options": {"expires": 10}},
    "sweep-editions": {"task": "dispatch.tasks.sweep_editions", "schedule": 15.0, "options": {"expires": 15}},
    "sweep-dispatches": {"task": "dispatch.tasks.sweep_dispatches", "schedule": 10.0, "options": {"expires": 10}},
    "sweep-deliveries": {"task": "dispatch.tasks.sweep_deliveries", "schedule": 10.0, "options": {"expires": 10}},
    "sweep-dry-runs": {"task": "dispatch.tasks.sweep_dry_runs", "schedule": 15.0, "options": {"expires": 15}},
    "sweep-senders": {"task": "dispatch.tasks.sweep_senders", "schedule": 30.0, "options": {"expires": 30}},
    "sweep-delivered": {"task": "dispatch.tasks.sweep_delivered", "schedule": 30.0, "options": {"expires": 30}},
    "sweep-consent": {"task": "signatories.tasks.sweep_consent", "schedule": 15.0, "options": {"expires": 15}},
    "sweep-reminders": {"task": "signatories.tasks.sweep_reminders", "schedule": 60.0, "options": {"expires": 60}},
    "sweep-published": {"task": "signatories.tasks.sweep_published", "schedule": 30.0, "options": {"expires": 30}},
    "sweep-imports": {"task": "signatories.tasks.sweep_imports", "schedule": 15.0, "options": {"expires": 15}},
    "sweep-reach": {"task": "signatories.tasks.sweep_reach", "schedule": 3600.0, "options": {"expires": 3600}},
    "read-mailbox": {"task": "dispatch.tasks.read_mailbox", "schedule": 60.0, "options": {"expires": 60}},
    "sweep-invitations": {"task": "signatories.tasks.send_invitations", "schedule": 15.0, "options": {"expires": 15}},
    "remind-of-terms": {"task": "dispatch.tasks.remind", "schedule": 3600.0, "options": {"expires": 3600}},
    "purge": {"task": "campaign.tasks.purge", "schedule": 3600.0},
    "mail-digests": {"task": "signatories.tasks.mail_digests", "schedule": crontab(hour="6", minute="0")},
}

# The sign form -----------------------------------------------------------------------------------

# So many signatures of a letter that nobody has confirmed, within so many seconds, are an attack: while it lasts, each
# takes a proof of work. How hard that is: rounds of PBKDF2 for each of some 256 tries.
GUARD_AFTER = env.int("GUARD_AFTER", default=100)
GUARD_WITHIN = env.int("GUARD_WITHIN", default=600)
GUARD_COST = env.int("GUARD_COST", default=5000)

# Mail --------------------------------------------------------------------------------------------

_relay = env.str("EMAIL_URL", default="")
EMAIL_URL = _relay or EMBEDDED.get("EMAIL_URL", "") or "smtp://127.0.0.1:8025"
MAIL_IS_CAUGHT = _relay in ("", EMBEDDED.get("EMAIL_URL"))  # by a catcher of this machine: nothing leaves
vars().update(env.email_url_config(EMAIL_URL))
EMAIL_TIMEOUT = env.float("EMAIL_TIMEOUT", default=20)  # seconds for each step of a conversation with the relay
MAIL_FROM = env.str("MAIL_FROM", default="Undersigned <signatures@undersigned.example.org>")
DISPATCH_FROM = env.str("DISPATCH_FROM", default="Undersigned <letters@undersigned.example.org>")
# Who has to be careful that nobody sees them get mail from us gets it from here: no name of ours beside the address.
NEUTRAL_FROM = env.str("NEUTRAL_FROM", default=parseaddr(MAIL_FROM)[1])
DEFAULT_FROM_EMAIL = SERVER_EMAIL = MAIL_FROM
# What comes back goes to its sub-addresses: letters+…@.
RETURN_ADDRESS = env.str("RETURN_ADDRESS", default="") or parseaddr(DISPATCH_FROM)[1]
# Under which names the relay keeps the keys that it signs with (DKIM), and who is asked for them and the other records.
DKIM_SELECTORS = env.list("DKIM_SELECTORS", default=[])
DNS_SERVER = _dns_server(env.str("DNS_SERVER", default=""))
BOUNCE_MAILBOX_URL = env.str("BOUNCE_MAILBOX_URL", default="")
# A provider of mail that tells what became of a mail by calling us, and what shows that it is that provider.
ANYMAIL_PROVIDER = env.str("ANYMAIL_PROVIDER", default="").lower()
ANYMAIL = {
    "WEBHOOK_SECRET": env.str("ANYMAIL_WEBHOOK_SECRET", default=""),
    "MAILGUN_WEBHOOK_SIGNING_KEY": env.str("ANYMAIL_SIGNING_KEY", default=""),
}
if ANYMAIL_PROVIDER not in ("", "brevo", "mailgun", "postmark"):
    raise ImproperlyConfigured("ANYMAIL_PROVIDER has to be brevo, mailgun or postmark.")
if ANYMAIL_PROVIDER and not all(ANYMAIL["WEBHOOK_SECRET"].partition(":")):
    raise ImproperlyConfigured("ANYMAIL_WEBHOOK_SECRET has to be a name and a password, with a colon between them.")
if ANYMAIL_PROVIDER == "mailgun" and not ANYMAIL["MAILGUN_WEBHOOK_SIGNING_KEY"]:
    raise ImproperlyConfigured(
        "Mailgun signs what it says: ANYMAIL_SIGNING_KEY has to be its HTTP webhook signing key."
    )
STARTTLS_REQUIRED = env.bool("STARTTLS_REQUIRED", default=True)
SENDING_ENABLED = env.bool("SENDING_ENABLED", default=False)
# Seconds after which another worker takes up what a killed one held; longer than two steps of a conversation.
DELIVERY_LEASE = env.int("DELIVERY_LEASE", default=45)
# Seconds for the relay's last answer, which it may give only after it has looked through the mail.
DELIVERY_PATIENCE = env.int("DELIVERY_PATIENCE", default=150)

# The seal ----------------------------------------------------------------------------------------

SEAL_P12 = env.str("SEAL_P12", default="")
SEAL_P12_PASSWORD = env.str("SEAL_P12_PASSWORD", default="")
TSA_URL = env.str("TSA_URL", default="")

# What is written down ----------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"class": "campaign.logs.WithoutSecrets", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="WARNING")},
    "loggers": {
        # Their lines carry request paths (tokens among them) or task arguments.
        "django.request": {"level": "ERROR"},
        "django.security.csrf": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # Its own handler would write addresses as they came.
        "gunicorn.error": {"level": "ERROR", "handlers": ["stderr"], "propagate": False},
        "gunicorn.http.wsgi": {"level": "ERROR"},  # it warns of each HEAD that Django answers
        "weasyprint": {"level": "ERROR"},
        "fontTools": {"level": "ERROR"},
        "pyhanko": {"level": "ERROR"},  # of a certificate that no authority vouches for, which the page says, too
        "pyhanko_certvalidator": {"level": "ERROR"},
    },
}
