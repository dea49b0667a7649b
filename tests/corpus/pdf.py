"""Writes a PDF of one empty page."""

_OBJECTS = (
    b"<< /Type /Catalog /Pages 2 0 R >>",
    b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] >>",
)


def pdf(*, before: bytes = b"", comment: bytes = b"", after: bytes = b"") -> bytes:
    """Return a PDF.

    Args:
        before: what stands in front of its header.
        comment: what stands behind its header.
        after: what stands behind its end.
    """
    content = before + b"%PDF-1.7\n" + comment
    places = []
    for number, text in enumerate(_OBJECTS, start=1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    table = b"xref\n0 4\n0000000000 65535 f \n"
    table += b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(content)
    return content + table + trailer + after
