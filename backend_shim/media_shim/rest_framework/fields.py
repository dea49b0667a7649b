"""Fields for the application's serializers."""

from typing import Any

from rest_framework import serializers

from media_shim import fields
from media_shim.delivery import MOST_KEYS
from media_shim.errors import InvalidField, MissingFields


class MediaKeysField(serializers.ListField):
    """The keys of files that a request brings: 1 to `max_length`, each once, in their order.

    It says whether they can be keys. Whether they are the user's own, and uploaded, is found out by
    `services.commit_all`.
    """

    child = serializers.CharField()

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **{"write_only": True, "allow_empty": False, "max_length": MOST_KEYS, **options}
        )

    def to_internal_value(self, data: Any) -> list[str]:
        keys: list[str] = super().to_internal_value(data)
        try:
            for key in keys:
                fields.key({"key": key})
        except (InvalidField, MissingFields) as error:
            raise serializers.ValidationError(error.message, code=error.code) from None
        if len(set(keys)) < len(keys):
            raise serializers.ValidationError("Name each file once.", code="INVALID_FIELD")
        return keys
