"""Transfers: the ways in which large and many files come."""
