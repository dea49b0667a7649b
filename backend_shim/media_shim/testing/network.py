"""Puts the double where the network is."""

import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from unittest import mock

import httpx
from django.conf import settings
from django.test import override_settings

from media_shim import health
from media_shim.testing.worker import GATEWAY_KEY, STORE_URL, WORKER_URL, FakeWorker

TOKEN_KEYS: Final = "test:dGhlIHRlc3RzJyBvd24ga2V5OiBub3RoaW5nIGlzIHNlY3JldA"  # noqa: S105
"""What delivery URLs are signed with while the double stands in; anybody may know it."""


@contextmanager
def fake_worker() -> Iterator[FakeWorker]:
    """Let a double answer what the shim asks the Worker, and configure the shim for it.

    WORKER_URL, PUBLIC_URL and the secrets are the double's own; the application's other settings
    in MEDIA_SHIM stay. Whatever else goes over the network goes there as before. What the app's
    health has found before is not remembered.
    """
    own = {
        "WORKER_URL": WORKER_URL,
        "PUBLIC_URL": "https://media.test",
        "GATEWAY_KEY": GATEWAY_KEY,
        "TOKEN_KEYS": TOKEN_KEYS,
    }
    with (
        in_the_network() as worker,
        mock.patch.object(health, "_examination", health.Examination()),
        override_settings(MEDIA_SHIM={**getattr(settings, "MEDIA_SHIM", {}), **own}),
    ):
        yield worker


@contextmanager
def in_the_network() -> Iterator[FakeWorker]:
    """Let a double answer at its own addresses; the settings stay as they are."""
    double, network = FakeWorker(), httpx.HTTPTransport.handle_request

    def handle_request(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        is_its_own = str(request.url).startswith((WORKER_URL, STORE_URL))
        return double(request) if is_its_own else network(transport, request)

    with mock.patch.object(httpx.HTTPTransport, "handle_request", handle_request):
        yield double


class FakeWorkerMixin(unittest.TestCase):
    """Gives each test of a case a double of its own: `self.worker`."""

    worker: FakeWorker

    def setUp(self) -> None:
        super().setUp()
        double = fake_worker()
        self.worker = double.__enter__()
        self.addCleanup(double.__exit__, None, None, None)
