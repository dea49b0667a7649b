"""What a hostile client sends to `/m/` and `/view/`.

Most of everything is right, because a request that is wrong in every way is refused for the first
of them and never comes to the second. What is wrong is mostly right text, spoiled.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote_plus

from hypothesis import strategies as st

from tests.fuzz.file import File
from tests.fuzz.header import headers
from tests.fuzz.path import paths
from tests.fuzz.text import once_in
from tests.fuzz.token import Signer, queries, tokens

_READING = st.sampled_from(["GET", "GET", "GET", "HEAD"])
_ANY = st.sampled_from(["OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "PURGE",
                        "LOCK", "QUERY"])  # fmt: skip
"""What workerd lets through besides."""


@dataclass(frozen=True)
class Attack:
    """A request.

    Attributes:
        method: its verb.
        path: its path, still percent-encoded.
        query: what follows the question mark, still encoded.
        headers: those that the engine looks at, by their names in small letters.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def token(self) -> str | None:
        """The token that counts: the one in the path, else the first `t`, decoded once."""
        if self.path.startswith("/view/"):
            return self.path.removeprefix("/view/").partition("/")[0]
        for parameter in self.query.split("&"):
            name, equals, value = parameter.partition("=")
            if name == "t" and equals:
                return unquote_plus(value)
        return None

    @property
    def secrets(self) -> list[str]:
        """The payloads and signatures in it, as they stand there."""
        return re.findall(r"\.([\w-]{30,})", f"{self.query}.{self.token}")

    def for_the_whole(self, method: str) -> "Attack":
        """Return the same with a method that reads, and without a range."""
        kept = {name: value for name, value in self.headers.items() if "range" not in name}
        return replace(self, method=method, headers=kept)

    def without_token(self) -> "Attack":
        """Return the same without what gives it a right."""
        path = re.sub("^/view/[^/]*/", "/m/", self.path)
        return replace(self, path=path, query="")


@st.composite
def attacks(draw: st.DrawFn, files: Sequence[File], signer: Signer) -> Attack:
    """Return a request for one of the files, or for something that looks like it."""
    file = draw(st.sampled_from(files))
    path = draw(paths(file.key))
    if once_in(draw, 4):
        token = quote(draw(tokens(file.key, files, signer)), safe="")
        path = path.replace("/m/", f"/view/{token}/", 1)
    return Attack(
        draw(_ANY if once_in(draw, 15) else _READING),
        path,
        draw(queries(file.key, files, signer)),
        draw(headers(file)),
    )
