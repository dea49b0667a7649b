"""Which handler answers a method and a path.

Three kinds of pattern, tried in this order, each by a look-up in a table:

    /m/*               a prefix of one segment: it owns every path below it
    /upload/presign    a literal path
    /files/{id}        a template, in which a name in braces stands for one segment

What owns a path owns it for every method: a literal that has no `DELETE` answers 405, and no
template is tried after it. HEAD is answered by the handler of GET where it has none of its own.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote

from media_engine.errors import MethodNotAllowed, RouteNotFound
from media_engine.http.message import Response

Handler: TypeAlias = Callable[..., Awaitable[Response]]
"""Answers a request. What it is called with is between the handlers and the application."""

_Methods: TypeAlias = dict[str, Handler]


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table.

    Attributes:
        method: the verb, in capitals.
        pattern: a path of one of the three kinds.
        handler: what answers.
    """

    method: str
    pattern: str
    handler: Handler


@dataclass(frozen=True, slots=True)
class _Template:
    """A pattern with names in it, and the methods it has."""

    segments: Sequence[str]
    methods: _Methods

    def fit(self, segments: Sequence[str]) -> dict[str, str] | None:
        """Return what the names stand for, or None. There are as many segments as its own."""
        params = {}
        for own, given in zip(self.segments, segments, strict=True):
            if own[:1] == "{":
                if not given:
                    return None
                params[own[1:-1]] = unquote(given) if "%" in given else given
            elif own != given:
                return None
        return params


class Router:
    """Finds handlers.

    Args:
        routes: the table, in any order; of templates that fit the same path the first counts.

    Raises:
        ValueError: a route stands there twice, or a `*` is not the end of a prefix.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        patterns: dict[str, _Methods] = {}
        for route in routes:
            methods = patterns.setdefault(route.pattern, {})
            if route.method in methods:
                raise ValueError(f"{route.method} {route.pattern} is routed twice")
            methods[route.method] = route.handler

        self._prefixes: dict[str, _Methods] = {}
        self._literals: dict[str, _Methods] = {}
        self._templates: dict[int, list[_Template]] = {}
        for pattern, methods in patterns.items():
            if "GET" in methods:
                methods.setdefault("HEAD", methods["GET"])
            self._add(pattern, methods)

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]]:
        """Find what answers a request.

        Args:
            method: the verb, as it came; verbs are case-sensitive (RFC 9110 §9.1).
            path: the path, still percent-encoded, beginning with a slash.

        Returns:
            The handler, and what it needs of the path: under `rest` what follows a prefix, still
            percent-encoded; under its name each segment of a template, decoded once.

        Raises:
            RouteNotFound: nothing answers this path.
            MethodNotAllowed: the path is answered, but not with this method.
        """
        below = path.find("/", 1) + 1
        if below:
            methods = self._prefixes.get(path[:below])
            if methods is not None:
                return _pick(methods, method), {"rest": path[below:]}
        methods = self._literals.get(path)
        if methods is not None:
            return _pick(methods, method), {}
        segments = path.split("/")
        for template in self._templates.get(len(segments), ()):
            params = template.fit(segments)
            if params is not None:
                return _pick(template.methods, method), params
        raise RouteNotFound

    def _add(self, pattern: str, methods: _Methods) -> None:
        segments = pattern.split("/")
        if "*" in pattern:
            if len(segments) != 3 or segments[2] != "*":
                raise ValueError(f"{pattern} is not a prefix of one segment, as /m/* is")
            self._prefixes[pattern[:-1]] = methods
        elif "{" in pattern:
            self._templates.setdefault(len(segments), []).append(_Template(segments, methods))
        else:
            self._literals[pattern] = methods


def _pick(methods: _Methods, method: str) -> Handler:
    handler = methods.get(method)
    if handler is None:
        # OPTIONS is the browser asking about CORS: the resource itself has no such method.
        raise MethodNotAllowed(sorted(methods.keys() - {"OPTIONS"}))
    return handler
