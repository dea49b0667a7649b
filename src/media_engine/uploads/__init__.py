"""Uploads: signing one, and making a file of what was stored."""
