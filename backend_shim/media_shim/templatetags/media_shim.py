"""`{% load media_shim %}`: a file's URL in a template."""

from django import template
from django.template import Context
from django.utils import timezone

from media_shim import delivery
from media_shim.models import MediaObject

register = template.Library()


@register.simple_tag(takes_context=True)
def media_url(context: Context, media: MediaObject) -> str:
    """`{% media_url file %}`: a URL for whoever the page is made for. No query.

    As with `delivery.mint`, that they may see the file is for the view to know.

    Raises:
        UploadIncomplete, MediaGone, NotConfigured: as `delivery.mint`.
        TypeError: the template is rendered without a request.
    """
    request = getattr(context, "request", None)
    if request is None:
        raise TypeError("media_url is for whoever asks: render the template with the request")
    return delivery.mint(media, request.user, timezone.now()).url
