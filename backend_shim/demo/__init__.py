"""A small application that mounts the shim: what `make dev` runs, and an example to copy from."""
