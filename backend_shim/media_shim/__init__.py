"""The application's side of the media engine: sign an upload, commit it, hand out its URL."""
