#!/usr/bin/env python
"""Runs the demo's commands. The folder of its database is made here: a fresh clone has none."""

import os
import sys
from pathlib import Path

from django.conf import settings
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo.settings")
    name = settings.DATABASES["default"]["NAME"]
    if isinstance(name, Path):
        name.parent.mkdir(parents=True, exist_ok=True)
    execute_from_command_line(sys.argv)
