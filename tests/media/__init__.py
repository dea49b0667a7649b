"""A photo and a video for tests that need real ones."""

from pathlib import Path

PHOTO = Path(__file__).with_name("photo.jpg")
