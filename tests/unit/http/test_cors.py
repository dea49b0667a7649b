from media_engine.http.cors import PUBLIC_HEADERS, READING_HEADERS, preflight


def test_a_preflight_is_agreed_to_for_a_day() -> None:
    response = preflight(["GET", "HEAD"], READING_HEADERS)
    assert response.status == 204
    assert response.body is None
    assert response.headers == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, HEAD",
        "Access-Control-Allow-Headers": (
            "Range, If-Range, If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since"
        ),
        "Access-Control-Max-Age": "86400",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


def test_a_page_of_any_origin_may_read_a_public_answer_and_what_resumes_it() -> None:
    assert PUBLIC_HEADERS["Access-Control-Allow-Origin"] == "*"
    exposed = PUBLIC_HEADERS["Access-Control-Expose-Headers"].split(", ")
    assert {"Accept-Ranges", "Content-Range", "ETag", "Content-Disposition"} <= set(exposed)
    assert len(set(exposed)) == len(exposed)
