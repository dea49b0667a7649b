"""What the demo tells the shim about its users. An application writes these functions anew."""

from typing import TYPE_CHECKING

from demo.models import Profile

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def tenant_of(user: "AbstractBaseUser") -> str | None:
    """Return the tenant that the user's files belong to, or None where they are the user's own."""
    return Profile.objects.filter(user_id=user.pk).values_list("tenant", flat=True).first()


def gallery_of(user: "AbstractBaseUser") -> str:
    """Return the name of the one thing that a file of this user can be attached to."""
    return f"gallery:{user.pk}"


def may_attach(user: "AbstractBaseUser", attach_to: str) -> bool:
    """Tell whether the user may attach a file there: to their own gallery."""
    return attach_to == gallery_of(user)
