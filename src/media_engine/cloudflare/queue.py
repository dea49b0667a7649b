"""Cloudflare Queues: sending on a binding, and what the platform hands to the consumer."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import js
from pyodide.ffi import JsException

from media_engine.cloudflare.carrier import call
from media_engine.cloudflare.convert import failure, to_object
from media_engine.ports import Delivery, QueueUnavailable


class CloudflareQueue:
    """`ports.Queue` on a queue's producer binding.

    Args:
        binding: the raw binding.
    """

    __slots__ = ("_binding",)

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def send(self, message: Mapping[str, object], /, *, delay: int = 0) -> None:
        # By way of its text: None would otherwise become undefined, which JSON does not have.
        body = js.JSON.parse(json.dumps(message))
        try:
            await call(self._binding, "send", body, to_object({"delaySeconds": delay}))
        except JsException as error:
            raise QueueUnavailable(failure(error)) from error


class CloudflareDelivery:
    """`ports.Delivery` on a message of the platform's batch."""

    __slots__ = ("_message",)

    def __init__(self, message: Any) -> None:
        self._message = message

    @property
    def id(self) -> str:
        return str(self._message.id)

    @property
    def body(self) -> object:
        return _plain(self._message.body)

    @property
    def attempts(self) -> int:
        return int(self._message.attempts)

    def ack(self) -> None:
        self._message.ack()

    def retry(self, delay: int, /) -> None:
        self._message.retry(to_object({"delaySeconds": delay}))


def deliveries(batch: Any) -> Sequence[Delivery]:
    """Return the messages of the batch that the platform calls `queue` with.

    Args:
        batch: the raw JavaScript object.
    """
    return [CloudflareDelivery(message) for message in batch.messages]


def _plain(value: Any) -> object:
    """Return as Python what JSON can hold, and None for what it cannot: no message of ours."""
    try:
        text = js.JSON.stringify(value)
    except JsException:
        return None
    return json.loads(text) if isinstance(text, str) else None
