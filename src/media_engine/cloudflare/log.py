"""One structured line for each event, to the Worker's log."""

import json
from collections.abc import Mapping


def write_line(event: Mapping[str, object]) -> None:
    """Write the event as one line of JSON."""
    print(json.dumps(event, separators=(",", ":")))  # noqa: T201
