"""Purging: copies of a file that are kept in caches, taken away everywhere."""
