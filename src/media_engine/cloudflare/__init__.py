"""The adapters: one port each, and the only place that knows JavaScript."""
