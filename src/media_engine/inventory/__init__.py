"""The inventory: what a shim has here, and what it lost."""
