"""The rules of the house that no import shows: where SQL is, and what runs when."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
MODULES = sorted((SOURCE / "media_engine").rglob("*.py"))
each_module = pytest.mark.parametrize(
    "module", MODULES, ids=[str(module.relative_to(SOURCE)) for module in MODULES]
)

CLOCKS_AND_DICE = {
    "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter",
    "time.localtime", "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
    "datetime.datetime.now", "datetime.date.today", "os.urandom", "os.getrandom", "os.environ",
    "os.getenv", "uuid.uuid1", "uuid.uuid4", "Date.now", "js.Date.now", "js.crypto.randomUUID",
    "js.crypto.getRandomValues", "Math.random", "js.Math.random",
}  # fmt: skip
DICE = {"random", "secrets", "uuid"}

ALLOWED = {
    "media_engine/cloudflare/clock.py": {"js.Date.now"},
}
"""The adapter that is the clock, and what it asks."""


def parsed(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def place(module: Path) -> str:
    return module.relative_to(SOURCE).as_posix()


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for what is written so, and nothing for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def expressions(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            yield dotted(node)


def imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module or ""}
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


TABLES = ("media_files ", "revoked_tokens ", "media_sets ")


def _names_a_table(text: str) -> bool:
    """Tell whether a text names a table as a statement does."""
    return any(table in text for table in TABLES)


@each_module
def test_only_queries_hold_sql(module: Path) -> None:
    tree = parsed(module)
    builds = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] == "Statement"
    ]
    if module.name == "queries.py":
        assert builds
    else:
        assert not builds
        texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert not [text for text in texts if isinstance(text, str) and _names_a_table(text)]


@each_module
def test_nothing_but_its_adapter_asks_a_clock_or_throws_dice(module: Path) -> None:
    tree = parsed(module)
    asked = CLOCKS_AND_DICE & (set(expressions(tree)) | imported(tree))
    assert asked == ALLOWED.get(place(module), set())
    assert not {name.partition(".")[0] for name in imported(tree)} & DICE


@each_module
def test_nothing_is_done_while_a_module_is_imported(module: Path) -> None:
    """The platform takes a snapshot after the import: a file, a task or a port is too early."""
    for node in parsed(module).body:
        assert isinstance(
            node,
            ast.Import | ast.ImportFrom | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
            | ast.Assign | ast.AnnAssign | ast.Expr,
        ), ast.dump(node)  # fmt: skip
        if isinstance(node, ast.Expr):
            assert isinstance(node.value, ast.Constant), "an expression is a docstring"


@each_module
def test_a_module_says_what_it_is_for(module: Path) -> None:
    assert ast.get_docstring(parsed(module))


def test_the_entry_delegates() -> None:
    entry = SOURCE / "entry.py"
    assert len(entry.read_text(encoding="utf-8").splitlines()) < 80
    for node in ast.walk(parsed(entry)):
        assert not isinstance(node, ast.If | ast.For | ast.While | ast.Try | ast.Match)


def test_there_is_no_drawer_for_everything() -> None:
    names = {path.stem for path in SOURCE.rglob("*")}
    assert not names & {"utils", "util", "helpers", "common", "base", "misc"}


def test_no_module_shadows_what_the_runtime_imports() -> None:
    at_the_top = {path.stem for path in SOURCE.iterdir()}
    assert not at_the_top & {"workers", "asgi", "http", "js"}


@each_module
def test_nothing_is_imported_later_than_at_start(module: Path) -> None:
    """The first request after a start waits for nothing that the start could have done."""
    top = set(parsed(module).body)
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert any(ast.dump(node) == ast.dump(one) for one in top), ast.unparse(node)


IMPORTED = {
    "base64", "binascii", "collections", "contextlib", "dataclasses", "datetime", "enum",
    "functools", "hashlib", "hmac", "ipaddress", "itertools", "json", "math", "re", "struct",
    "time", "traceback", "typing", "unicodedata", "urllib", "xml", "zlib",
}  # fmt: skip
"""What the engine itself may import of the standard library. The runtime has most of it loaded
already, and none of it is dear (`python -m bench.start`)."""


@each_module
def test_the_start_pays_for_few_modules_of_the_standard_library(module: Path) -> None:
    ours = {"media_engine", "js", "pyodide", "workers"}
    roots = {name.partition(".")[0] for name in imported(parsed(module))}
    assert roots <= IMPORTED | ours
