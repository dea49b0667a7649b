"""Settings of the demo. It is for laptops: DEBUG is on, and its secret is published.

What differs from machine to machine comes from the environment:

    STATE_DIR          where the database is; relative to the repository. Default .wrangler/state
    DATABASE_PATH      the database itself. Default $STATE_DIR/demo.sqlite3
    DATABASE_URL       a PostgreSQL in its place: postgresql://user:password@host:port/name
    MEDIA_WORKER_URL   the Worker. Default http://127.0.0.1:8787
    MEDIA_GATEWAY_KEY  one of the Worker's GATEWAY_KEYS
    MEDIA_TOKEN_KEYS   as the Worker has them
    MEDIA_TOKEN_TTL    how long a delivery URL lives, in seconds. Default 600
"""

import os
from pathlib import Path
from typing import Any

from demo import database

REPOSITORY = Path(__file__).resolve().parents[2]
STATE_DIR = REPOSITORY / os.environ.get("STATE_DIR", ".wrangler/state")

DEBUG = True
SECRET_KEY = "development-only: this demo is not to be deployed"  # noqa: S105
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "media_shim",
    "demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "demo.urls"
WSGI_APPLICATION = "demo.wsgi.application"
CSRF_FAILURE_VIEW = "media_shim.envelope.csrf_failure"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASE_URL = os.environ.get("DATABASE_URL")
DATABASES: dict[str, dict[str, Any]] = {
    "default": database.postgres(DATABASE_URL)
    if DATABASE_URL
    else database.sqlite(Path(os.environ.get("DATABASE_PATH") or STATE_DIR / "demo.sqlite3"))
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "static/"
STATICFILES_DIRS = [("web", REPOSITORY / "web")]

TIME_ZONE = "UTC"
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "demo.log.JsonLines"}},
    "handlers": {"events": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "loggers": {"media_shim": {"handlers": ["events"], "level": "INFO"}},
}

MEDIA_SHIM = {
    "WORKER_URL": os.environ.get("MEDIA_WORKER_URL", "http://127.0.0.1:8787"),
    "GATEWAY_KEY": os.environ.get("MEDIA_GATEWAY_KEY"),
    "TOKEN_KEYS": os.environ.get("MEDIA_TOKEN_KEYS"),
    "TOKEN_TTL": os.environ.get("MEDIA_TOKEN_TTL"),
    "SERVICE": "demo",
    "TENANT": "demo.access.tenant_of",
    "ATTACH_RESOLVER": "demo.access.may_attach",
}
