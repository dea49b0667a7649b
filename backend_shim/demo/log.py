"""Writes a record as one line of JSON, with everything that was logged beside its message."""

import json
import logging
from datetime import UTC, datetime

_OF_EVERY_RECORD = vars(logging.makeLogRecord({})).keys() | {"asctime", "message"}


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        extra = {
            name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD
        }
        return json.dumps(line | extra, default=str)
