from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction

from demo.models import Profile

USERS = {"alice": "acme", "bob": "globex"}
"""The demo's users and their tenants. Everybody's password is their name."""


class Command(BaseCommand):
    help = "Make the demo's users, each with their own name as password, where they are missing."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        for name, tenant in USERS.items():
            user, is_new = get_user_model().objects.get_or_create(username=name)
            if is_new:
                user.set_password(name)
                user.save()
            Profile.objects.update_or_create(user=user, defaults={"tenant": tenant})
            self.stdout.write(f"{name} of {tenant}: {'made' if is_new else 'there'}")
