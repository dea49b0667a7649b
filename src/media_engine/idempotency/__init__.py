"""Idempotency: a request that names itself, so that sending it again makes nothing twice."""
