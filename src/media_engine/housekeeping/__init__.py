"""Housekeeping: what interrupted work left, taken away by the cron."""
