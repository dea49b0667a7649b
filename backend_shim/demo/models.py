from django.conf import settings
from django.db import models

from media_shim.attachable import HasMedia


class Profile(HasMedia, models.Model):
    """What the demo knows of a user beyond their name: the tenant that they work for."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="profile"
    )
    tenant = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.user} of {self.tenant}"
