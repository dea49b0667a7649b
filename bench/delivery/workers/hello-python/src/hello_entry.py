"""The floor: what a request costs that does nothing, in Python."""

from typing import Any

import js
from workers import WorkerEntrypoint


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:  # noqa: ARG002
        return js.Response.new("hello")
