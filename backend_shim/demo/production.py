"""Settings of the demo where people reach it: DEBUG is off, and nothing has a published value.

`deploy/.env.example` explains each variable. All that are missing are named at once.
"""

import os

from django.core.exceptions import ImproperlyConfigured

from demo import database
from demo.settings import *  # noqa: F403
from demo.settings import MIDDLEWARE, REPOSITORY

REQUIRED = (
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "DATABASE_URL",
    "MEDIA_WORKER_URL",
    "MEDIA_GATEWAY_KEY",
    "MEDIA_TOKEN_KEYS",
)
_missing = [name for name in REQUIRED if not os.environ.get(name)]
if _missing:
    raise ImproperlyConfigured(f"set {', '.join(_missing)}: see backend_shim/deploy/.env.example")

DEBUG = False
SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = [host.strip() for host in os.environ["ALLOWED_HOSTS"].split(",")]
DATABASES = {"default": database.postgres(os.environ["DATABASE_URL"])}

# Only a proxy that always sets the header itself may be believed: anybody else can send it.
if os.environ.get("BEHIND_PROXY") == "1":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
# Probes come from inside, without TLS, and send no secret.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^api/media/health$"]
SECURE_HSTS_SECONDS = 31_536_000
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True

# Whether the other names of this domain are reached by TLS alone is not for this application to
# say, and browsers keep the promise for a year.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# The application's own processes serve its static files: hashed, so that browsers keep them for
# ever, and compressed when they are collected.
MIDDLEWARE = [MIDDLEWARE[0], "whitenoise.middleware.WhiteNoiseMiddleware", *MIDDLEWARE[1:]]
STATIC_ROOT = os.environ.get("STATIC_ROOT") or REPOSITORY / ".wrangler" / "static"
STATIC_URL = "/static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "demo.static_files.HashedFiles"},
}
