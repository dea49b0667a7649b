"""The shim for applications on Django REST framework: `pip install "media-engine-shim[drf]"`.

path("", include("media_shim.rest_framework.urls"))   # in place of media_shim.urls
REST_FRAMEWORK = {..., "EXCEPTION_HANDLER": "media_shim.rest_framework.envelope.handler"}
"""
