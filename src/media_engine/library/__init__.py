"""The library: what a scope has."""
