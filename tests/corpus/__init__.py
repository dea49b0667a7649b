"""Files, honest and hostile, made by code: what is uploaded, and what must be said of it.

`jpeg`, `png`, `gif`, `webp`, `boxes`, `elements` and `pdf` write each format by hand, so that every
byte can be made wrong. `honest` is a table of what comes of it, each file with its verdict;
`polyglots`, `pictures`, `containers` and `costly` are tables of what is hostile, and `drawings` of
the SVGs. `real` are files that ffmpeg makes, and what ffprobe says of them.
"""
