"""Media Engine: uploads, delivery and consistency of media on Cloudflare R2 and D1."""

__version__ = "0.1.0"
