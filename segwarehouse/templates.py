"""SQL templates: where they are, and how they are filled in.

In: a path below `models/` or `sql/` and a context of plain values. Out: SQL text in DuckDB's dialect, to be parsed by
sqlglot. Jinja runs strictly: an undefined name is an error, and so is a value that is printed without saying what
it is: `{{ name | ident }}`, `{{ value | literal }}`, `{{ list | literals }}` and `{{ columns | row_hash }}` pass
through sqlglot, and bare `{{ value }}` is refused. So text from data or configuration can't become syntax. Templates
run in Jinja's sandbox, out of which no attribute leads to Python.

What several templates share is a macro, `{% from 'macros/lines.sql' import is_known %}`: it sees the same values, and
what it yields is SQL, since a macro prints nothing bare either.
"""

import datetime as dt
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import CodeType
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.bccache import Bucket
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from sqlglot import exp

from segwarehouse.errors import ModelError

TEMPLATE_DIALECT = "duckdb"


class Sql(str):
    """Text that is SQL already, made by one of the filters, or by a macro out of their results."""

    __slots__ = ()


def ident(name: str) -> Sql:
    """Return a quoted identifier.

    >>> print(ident("select"), ident("days since"))
    "select" "days since"
    """
    if not name or "\0" in name:
        raise ModelError(f"{name!r} can't name a column or table", "use a name of one or more characters without NUL")
    return Sql(exp.to_identifier(name, quoted=True).sql(TEMPLATE_DIALECT))


def literal(value: object) -> Sql:
    """Return a literal: text, whole number, finite float, date, timestamp, boolean or NULL.

    >>> literal("it's"), literal(3), literal(dt.date(2017, 10, 1))
    ("'it''s'", '3', "CAST('2017-10-01' AS DATE)")
    """
    return Sql(_literal_node(value).sql(TEMPLATE_DIALECT))


def _literal_node(value: object) -> exp.Expr:
    match value:
        case None:
            return exp.null()
        case bool():
            return exp.true() if value else exp.false()
        case int():
            return exp.Literal.number(value)
        case float() if math.isfinite(value):
            return exp.cast(exp.Literal.string(repr(value)), "double")
        case str() if "\0" not in value:
            return exp.Literal.string(value)
        case dt.datetime():
            return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), "timestamp")
        case dt.date():
            return exp.cast(exp.Literal.string(value.isoformat()), "date")
        case _:
            raise ModelError(f"{value!r} can't be written as a literal in SQL")


def literals(values: Iterable[object]) -> Sql:
    """Return literals joined by commas, for an IN list."""
    return Sql(", ".join(literal(value) for value in values))


def datatype(name: str) -> Sql:
    """Return the name of a type, as the engine gave it.

    >>> datatype("bigint")
    'BIGINT'
    """
    return Sql(exp.DataType.build(name, dialect=TEMPLATE_DIALECT).sql(TEMPLATE_DIALECT))


def row_hash(columns: Mapping[str, str], table: str = "") -> Sql:
    """Return the expression for the MD5 of a row, as a UUID: equal for two rows where all columns are, NULL included.

    Each value is read as text up to the next comma, so that no two rows read the same; `columns` are names with the
    engine's types, of a relation that the query calls `table` where it reads several. Among a thousand million
    different rows, two have the same 128 bits with a chance of 1.5e-21.

    >>> print(row_hash({"id": "BIGINT"}))
    CAST(MD5(CONCAT(COALESCE(CAST("id" AS TEXT), ''), ',')) AS UUID)
    >>> print(row_hash({"id": "BIGINT"}, "t"))
    CAST(MD5(CONCAT(COALESCE(CAST("t"."id" AS TEXT), ''), ',')) AS UUID)
    """
    comma = exp.Literal.string(",")
    parts = [part for each in columns.items() for part in (_as_text(*each, table), comma.copy())]
    # Not a chain of ||: the engine ends at a depth of a thousand, and a table may have as many columns.
    return Sql(
        exp.cast(exp.MD5(this=exp.Concat(expressions=parts, safe=True, coalesce=True)), "uuid").sql(TEMPLATE_DIALECT)
    )


_WITHOUT_COMMA = re.compile(
    r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL\(\d+,\d+\)|FLOAT|DOUBLE|BOOLEAN|UUID"
    r"|DATE|TIME(STAMP)?(_\w+)?( WITH TIME ZONE)?"
)
"""Types whose values hold no comma and no backslash as text, and are never empty."""


def _as_text(name: str, type_name: str, table: str) -> exp.Expr:
    """Return a column as text in which commas and backslashes are escaped; NULL is like no value.

    Which member of a UNION a value is, and of what type a VARIANT, only JSON tells.
    """
    value: exp.Expr = exp.column(name, table or None, quoted=True)
    if "UNION(" in type_name or "VARIANT" in type_name:
        value = exp.func("TO_JSON", value, dialect=TEMPLATE_DIALECT)
    text: exp.Expr = exp.cast(value, "varchar")
    nothing = "" if _WITHOUT_COMMA.fullmatch(type_name) else "\\N"
    if nothing:
        for sign in ("\\", ","):
            text = exp.func("REPLACE", text, exp.Literal.string(sign), exp.Literal.string(f"\\{sign}"))
    return exp.func("COALESCE", text, exp.Literal.string(nothing))


def _only_sql(value: object) -> str:
    """Refuse to print what no filter has made safe."""
    if isinstance(value, Sql):
        return value
    if isinstance(value, jinja2.Undefined):
        return str(value)  # strict: raises with the name
    raise ModelError(f"{value!r} is printed into SQL without a filter", "write {{ … | ident }} or {{ … | literal }}")


class _Compiled(jinja2.BytecodeCache):
    """Templates that this process has compiled: a macro file is imported by many, and each is rendered many times."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill in the code of a template whose text has not changed."""
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of a template."""
        if bucket.code is not None:
            self._known[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


class _Templates(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, in which what a macro yields is SQL: its own text, and values that filters have made safe.

    Jinja prints without asking what a block is turned into by a filter, or by what is called with it and is no macro.
    Both are refused.
    """

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - as Jinja
        """Call what a template calls."""
        found = super().call(__context, __obj, *args, **kwargs)
        if isinstance(__obj, Macro):
            return Sql(found)
        if "caller" in kwargs:
            raise SecurityError("only a macro is called with a block")
        return found

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for block in tree.find_all(nodes.FilterBlock):
            raise jinja2.TemplateSyntaxError("a block has no filter", block.lineno, name, filename)
        return tree


@cache
def packaged(folder: str) -> Path:
    """Return the packaged `models` or `sql` folder, in an installed wheel or in a checkout."""
    package = Path(str(files("segwarehouse")))
    for candidate in (package / "_project" / folder, package.parent / folder):
        if candidate.is_dir():
            return candidate
    raise ModelError(f"segwarehouse is installed without its {folder}/ folder", "install it again from its wheel")


@dataclass(frozen=True)
class TemplateFolder:
    """A packaged folder of templates, and a user's folder that overrides it file by file, path by path.

    Attributes
    ----------
    roots
        Folders to look in, first match wins.
    """

    roots: tuple[Path, ...]

    @classmethod
    def of(cls, folder: str, project: Path | None = None) -> "TemplateFolder":
        """Return `folder` of the package, overridden by `folder` of the project directory where there is one."""
        own = project / folder if project else None
        return cls((own, packaged(folder)) if own and own.is_dir() else (packaged(folder),))

    def paths(self) -> Iterator[str]:
        """Yield the relative path of every `.sql` file, sorted, each once."""
        found = {str(path.relative_to(root).as_posix()) for root in self.roots for path in root.rglob("*.sql")}
        yield from sorted(found)

    def file(self, path: str) -> Path:
        """Return the file that `path` stands for."""
        for root in self.roots:
            if (root / path).is_file():
                return root / path
        raise ModelError(f"there is no {path}", f"looked in {', '.join(map(str, self.roots))}", path=path)

    def overrides(self, path: str) -> bool:
        """Tell whether the user's own file stands in the place of the packaged one."""
        return len(self.roots) > 1 and (self.roots[0] / path).is_file()

    def render(self, path: str, context: Mapping[str, object]) -> str:
        """Fill in the template at `path`.

        Raises
        ------
        ModelError
            With file and line, if it does not parse, names something that is not in `context`, or prints what no filter
            has made safe.
        """
        file = self.file(path)
        try:
            return self._environment(context).get_template(path).render()
        except jinja2.TemplateSyntaxError as error:
            where = error.filename or str(file)
            raise ModelError(f"{where}:{error.lineno}: {error.message}", path=where, line=error.lineno) from error
        except jinja2.TemplateNotFound as error:
            raise ModelError(f"{file}: there is no {error.name} to import", path=str(file)) from error
        except SecurityError as error:
            raise _located(error, f"a template fills in values, and may do nothing else: {error.message}") from error
        except jinja2.UndefinedError as error:
            raise _located(error, str(error.message), f"it may use {', '.join(sorted(context))}") from error
        except ModelError as error:
            raise _located(error, error.message, error.hint) from error
        except TypeError as error:  # a macro that is given too many values, for instance
            raise _located(error, str(error)) from error

    def _environment(self, context: Mapping[str, object]) -> jinja2.Environment:
        environment = _Templates(  # this is SQL, escaped by its own filters, not HTML
            loader=jinja2.FileSystemLoader(self.roots),
            undefined=jinja2.StrictUndefined,
            finalize=_only_sql,
            keep_trailing_newline=True,
            bytecode_cache=_COMPILED,
        )
        filters: dict[str, Any] = {each.__name__: each for each in (datatype, ident, literal, literals, row_hash)}
        environment.filters.update(filters)
        environment.globals.update(context)  # these reach the macros that a template imports
        return environment


def _located(error: Exception, message: str, hint: str = "") -> ModelError:
    """Return what is wrong with the file and line of the template, or of its macro, in which the error arose."""
    file, line, step = "", 1, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename.endswith(".sql"):
            file, line = step.tb_frame.f_code.co_filename, step.tb_lineno
        step = step.tb_next
    return ModelError(f"{file}:{line}: {message}", hint, path=file, line=line)
