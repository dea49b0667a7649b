"""Sharing: one right to several files, given out and taken back."""
