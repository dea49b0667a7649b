"""What the application tells the shim about its users."""

from typing import TYPE_CHECKING

from tests.faults.app.models import Profile

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def tenant_of(user: "AbstractBaseUser") -> str | None:
    """Return the tenant that the user's files belong to, or None where they are the user's own."""
    return Profile.objects.get(user_id=user.pk).tenant
