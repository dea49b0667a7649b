"""Settings of the application under test: as a production has them, but for its patience."""

import os

from demo import database

DEBUG = False
SECRET_KEY = os.environ["FAULTS_SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "media_shim",
    "tests.faults.app",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "tests.faults.app.urls"
WSGI_APPLICATION = "tests.faults.app.wsgi.application"
CSRF_FAILURE_VIEW = "media_shim.envelope.csrf_failure"
DATABASES = {"default": database.postgres(os.environ["DATABASE_URL"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
USE_TZ = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "demo.log.JsonLines"}},
    "handlers": {"events": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "loggers": {
        "media_shim": {"handlers": ["events"], "level": "INFO"},
        "django.request": {"handlers": ["events"], "level": "ERROR", "propagate": False},
    },
}
MEDIA_SHIM = {
    "WORKER_URL": os.environ["MEDIA_WORKER_URL"],
    "PUBLIC_URL": os.environ["MEDIA_PUBLIC_URL"],
    "GATEWAY_KEY": os.environ["MEDIA_GATEWAY_KEY"],
    "TOKEN_KEYS": os.environ["MEDIA_TOKEN_KEYS"],
    "SERVICE": "faults",
    "TENANT": "tests.faults.app.access.tenant_of",
    "TIMEOUT": os.environ["MEDIA_TIMEOUT"],
}
