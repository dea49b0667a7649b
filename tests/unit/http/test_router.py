import pytest

from media_engine.errors import MethodNotAllowed, RouteNotFound
from media_engine.http.message import Response
from media_engine.http.router import Handler, Route, Router


def named(name: str) -> Handler:
    async def handler() -> Response:
        return Response(204)

    handler.__name__ = name
    return handler


ROUTER = Router(
    [
        Route("GET", "/m/*", named("serve")),
        Route("GET", "/files", named("list")),
        Route("GET", "/files/{id}", named("show")),
        Route("PATCH", "/files/{id}", named("change")),
        Route("GET", "/files/stats", named("stats")),
        Route("GET", "/files/{id}/versions/{version}", named("version")),
        Route("POST", "/upload/presign", named("presign")),
        Route("HEAD", "/tus/{id}", named("offset")),
        Route("GET", "/tus/{id}", named("download")),
        Route("GET", "/", named("root")),
    ]
)


def found(method: str, path: str) -> tuple[str, dict[str, str]]:
    handler, params = ROUTER.find(method, path)
    return getattr(handler, "__name__", ""), params


@pytest.mark.parametrize(
    ("method", "path", "name", "params"),
    [
        ("GET", "/", "root", {}),
        ("POST", "/upload/presign", "presign", {}),
        ("GET", "/files", "list", {}),
        ("GET", "/files/media_abc", "show", {"id": "media_abc"}),
        ("PATCH", "/files/media_abc", "change", {"id": "media_abc"}),
        ("GET", "/files/a/versions/3", "version", {"id": "a", "version": "3"}),
        ("GET", "/m/t/acme/blog/a.jpg", "serve", {"rest": "t/acme/blog/a.jpg"}),
    ],
)
def test_a_path_finds_its_handler(
    method: str, path: str, name: str, params: dict[str, str]
) -> None:
    assert found(method, path) == (name, params)


def test_a_literal_path_goes_before_a_template() -> None:
    assert found("GET", "/files/stats") == ("stats", {})
    with pytest.raises(MethodNotAllowed):
        ROUTER.find("PATCH", "/files/stats")


def test_what_follows_a_prefix_is_handed_on_as_it_came() -> None:
    assert found("GET", "/m/a%2Fb%20c//d/..;%00/") == ("serve", {"rest": "a%2Fb%20c//d/..;%00/"})
    assert found("GET", "/m/") == ("serve", {"rest": ""})


def test_a_segment_is_decoded_once() -> None:
    assert found("GET", "/files/a%20b") == ("show", {"id": "a b"})
    assert found("GET", "/files/a%252Fb") == ("show", {"id": "a%2Fb"})
    assert found("GET", "/files/a+b") == ("show", {"id": "a+b"})


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/m",
        "/M/a.jpg",
        "/mm/a.jpg",
        "//m/a.jpg",
        "/files/",
        "/files//versions/3",
        "/files/a/versions",
        "/files/a/versions/3/",
        "/files/a/other/3",
        "/upload/presign/",
        "/upload",
        "/{id}",
    ],
)
def test_a_path_that_nobody_answers_is_not_found(path: str) -> None:
    with pytest.raises(RouteNotFound):
        ROUTER.find("GET", path)


@pytest.mark.parametrize("method", ["POST", "get", "PROPFIND", "BREW", ""])
def test_a_method_that_is_not_there_is_told_those_that_are(method: str) -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        ROUTER.find(method, "/m/a.jpg")
    assert refused.value.headers == {"Allow": "GET, HEAD"}


def test_every_kind_of_path_says_what_it_allows() -> None:
    with pytest.raises(MethodNotAllowed) as literal:
        ROUTER.find("GET", "/upload/presign")
    assert literal.value.allow == ("POST",)
    with pytest.raises(MethodNotAllowed) as template:
        ROUTER.find("PUT", "/files/a")
    assert template.value.allow == ("GET", "HEAD", "PATCH")


def test_head_is_answered_where_get_is() -> None:
    assert found("HEAD", "/m/a.jpg") == ("serve", {"rest": "a.jpg"})
    assert found("HEAD", "/files/stats") == ("stats", {})
    assert found("HEAD", "/files/a") == ("show", {"id": "a"})


def test_head_has_a_handler_of_its_own_where_it_is_routed() -> None:
    assert found("HEAD", "/tus/a") == ("offset", {"id": "a"})
    assert found("GET", "/tus/a") == ("download", {"id": "a"})


def test_a_route_stands_in_the_table_once() -> None:
    with pytest.raises(ValueError, match="GET /files is routed twice"):
        Router([Route("GET", "/files", named("a")), Route("GET", "/files", named("b"))])


@pytest.mark.parametrize("pattern", ["/a/b/*", "/*", "/m/*/x", "/m/x*"])
def test_a_star_is_the_end_of_a_prefix_of_one_segment(pattern: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        Router([Route("GET", pattern, named("a"))])
