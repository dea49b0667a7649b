"""Whether a deployment works and keeps its promises, found out by using it: `media_golive`."""
