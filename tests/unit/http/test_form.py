"""What a form says of itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_engine.errors import InvalidField
from media_engine.http.form import FormField, boundary_of, parse_head


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", "abc"),
        ('Multipart/Form-Data; charset=utf-8; Boundary="a b:c"', "a b:c"),
        ("multipart/form-data;boundary=----WebKitFormBoundaryX", "----WebKitFormBoundaryX"),
        ("multipart/form-data; boundary=a; boundary=b", "a"),
    ],
)
def test_the_boundary_is_found(content_type: str, boundary: str) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary="a "',
        "multipart/form-data; boundary=" + "a" * 71,
        'multipart/form-data; boundary="a\r\nb"',
        "multipart/mixed; boundary=a",
    ],
)
def test_a_body_that_is_no_form_is_refused(content_type: str | None) -> None:
    with pytest.raises(InvalidField):
        boundary_of(content_type)


@pytest.mark.parametrize(
    ("head", "field"),
    [
        ('Content-Disposition: form-data; name="x"', FormField("x", None, "")),
        ("content-disposition:form-data;name=x", FormField("x", None, "")),
        (
            'Content-Disposition: form-data; name="f"; filename="a%22b.jpg"\r\n'
            "Content-Type: Image/JPEG; q=1",
            FormField("f", 'a"b.jpg', "image/jpeg"),
        ),
        (
            r'Content-Disposition: form-data; name="f"; filename="a\"b\\c;d.jpg"',
            FormField("f", r'a"b\c;d.jpg', ""),
        ),
        ('Content-Disposition: form-data; name="f"; filename=""', FormField("f", "", "")),
        ('\r\nContent-Disposition: form-data; name="ü"', FormField("ü", None, "")),
    ],
)
def test_a_head_says_what_its_field_is(head: str, field: FormField) -> None:
    assert parse_head(head) == field


@pytest.mark.parametrize("head", ["", "x", "Content-Type: a/b", "Content-Disposition: form-data"])
def test_a_field_without_a_name_is_refused(head: str) -> None:
    with pytest.raises(InvalidField):
        parse_head(head)


@given(st.text(max_size=200))
def test_no_head_does_worse_than_be_refused(text: str) -> None:
    try:
        field = parse_head(f"Content-Disposition: form-data; {text}")
    except InvalidField:
        return
    assert isinstance(field.name, str)


@given(st.text(st.characters(exclude_characters='\r\n\\"', exclude_categories=["Cs"])))
def test_a_name_that_a_browser_writes_is_read(name: str) -> None:
    # A browser writes a quotation mark as %22 and nothing else of a name otherwise.
    head = f'Content-Disposition: form-data; name="file"; filename="{name}"'
    assert parse_head(head).file_name == name.replace("%22", '"')
