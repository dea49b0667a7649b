"""The database on a D1 binding."""

from collections.abc import Sequence
from typing import Any, Final

from pyodide.ffi import JsException, jsnull, to_js

from media_engine.cloudflare.carrier import call
from media_engine.cloudflare.convert import failure
from media_engine.errors import DatabaseError
from media_engine.ports import Rows, SqlValue, Statement

GREATEST_NUMBER: Final = 2**53 - 1
"""The greatest whole number that a number of JavaScript is sure to be."""


class D1Database:
    """`ports.Database` on D1.

    Args:
        binding: the raw D1 binding.
    """

    __slots__ = ("_binding",)

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def run(self, statement: Statement, /) -> Rows:
        try:
            return _rows(await call(self._bound(statement), "run"))
        except JsException as error:
            raise DatabaseError(reason=failure(error)) from error

    async def batch(self, statements: Sequence[Statement], /) -> Sequence[Rows]:
        try:
            bound = to_js([self._bound(one) for one in statements])
            results = await call(self._binding, "batch", bound)
        except JsException as error:
            raise DatabaseError(reason=failure(error)) from error
        return [_rows(result) for result in results]

    def _bound(self, statement: Statement) -> Any:
        prepared = self._binding.prepare(statement.sql)
        return prepared.bind(*(_bindable(value) for value in statement.values))


def _bindable(value: SqlValue) -> Any:
    if value is None:
        # D1 refuses undefined, which is what it would become.
        return jsnull
    # Of a greater whole number Pyodide makes a BigInt, which D1 refuses.
    return float(value) if value == GREATEST_NUMBER else value


def _rows(result: Any) -> Rows:
    return Rows(
        rows=[
            {name: None if value is jsnull else value for name, value in row.items()}
            for row in result.results.to_py()
        ],
        rows_read=int(result.meta.rows_read),
        rows_written=int(result.meta.rows_written),
    )
