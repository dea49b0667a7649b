"""How fast a file is delivered, beside Workers that do less or the same. See bench/README.md."""
