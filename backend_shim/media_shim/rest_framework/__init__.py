"""The shim for applications on Django REST framework: `pip install "media-engine-shim[drf]"`.

path("", include("media_shim.rest_framework.urls"))   # in place of media_shim.urls
REST_FRAMEWORK = {..., "EXCEPTION_HANDLER": "media_shim.rest_framework.envelope.handler"}
"""

from importlib.util import find_spec

from django.core.exceptions import ImproperlyConfigured

if find_spec("rest_framework") is None:
    raise ImproperlyConfigured(
        "media_shim.rest_framework needs Django REST framework. Write `pip install "
        'djangorestframework`, or include("media_shim.urls"), which does without it.'
    )
