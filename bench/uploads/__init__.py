"""How fast files come in, beside Workers that do less. See bench/README.md."""
