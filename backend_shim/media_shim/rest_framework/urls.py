"""The same paths and names as `media_shim.urls`, behind DRF. Include one of the two."""

from typing import Final

from django.urls import URLPattern, path

from media_shim import urls
from media_shim.rest_framework.views import behind_drf

app_name = urls.app_name

OPEN: Final = ("health",)
"""What anybody may ask, a supervisor without any token among them: these stay outside of DRF."""


def _behind(pattern: URLPattern) -> URLPattern:
    return path(str(pattern.pattern), behind_drf(pattern.callback), name=pattern.name)


urlpatterns = [
    pattern if pattern.name in OPEN else _behind(pattern) for pattern in urls.urlpatterns
]
