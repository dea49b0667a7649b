"""Delivery: the bytes of one file to whoever may have them."""
