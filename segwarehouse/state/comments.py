"""What every relation and column of a published state means, in words.

In: `sql/publish/words.toml`, what the result tables declare and the models say of their columns, and the features' own
phrases. Out: comments, as syntax trees. Where they are written is left to `publish.py`.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlglot import exp

from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Relation

_SCHEMA = "targeting"
_BOUNDS = {"_low": "lower", "_high": "upper"}


@dataclass(frozen=True)
class Words:
    """Words of relations, and of columns by relation: those of `sql/publish/words.toml`, and what is declared."""

    relations: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]]

    @classmethod
    def read(cls, sql: TemplateFolder, declared: Mapping[str, Mapping[str, str]] = MappingProxyType({})) -> "Words":
        """Read the packaged file, and join what is declared of columns, by relation of schema `targeting`."""
        document = tomllib.loads(sql.file("publish/words.toml").read_text(encoding="utf-8"))
        return cls(document.pop("relations"), {**document, **declared})

    def of_relation(self, target: Relation) -> str:
        """Return what a relation without a model is; empty where nobody said."""
        return self.relations.get(_called(target), "")

    def of_column(self, target: Relation, column: str, by_model: str = "", like: Sequence[str] = ()) -> str:
        """Return what a column is.

        Parameters
        ----------
        by_model
            What its model says; that comes first.
        like
            Groups of words to use as well, the first that has the column: ``view`` for a department's view.
        """
        known = self._known(target, column, like)
        if by_model or known:
            return by_model or known
        for ending, side in _BOUNDS.items():
            if column.endswith(ending):
                return bound(side, column.removesuffix(ending))
        return ""

    def _known(self, target: Relation, column: str, like: Sequence[str]) -> str:
        groups = [self.columns.get(name, {}) for name in (_called(target), *like, "common")]
        return next((group[column] for group in groups if column in group), "")


def bound(side: str, figure: str) -> str:
    """Return what the lower or the upper bound of a figure is.

    >>> bound("lower", "lift")
    'lower bound of the 95 percent interval of lift'
    """
    return f"{side} bound of the 95 percent interval of {figure}"


def comments(target: Relation, kind: str, text: str, columns: Mapping[str, str]) -> Iterator[exp.Comment]:
    r"""Yield the statements that comment a relation and its columns; what has no words gets none.

    >>> [node.sql("duckdb") for node in comments(Relation("t", "v"), "VIEW", "who", {"id": "the customer"})]
    ['COMMENT ON VIEW "t"."v" IS \'who\'', 'COMMENT ON COLUMN "t"."v"."id" IS \'the customer\'']
    """
    if text:
        yield exp.Comment(this=target.table(), kind=kind, expression=exp.Literal.string(text))
    for name, words in columns.items():
        if words:
            node = exp.column(name, table=target.name, db=target.schema, quoted=True)
            yield exp.Comment(this=node, kind="COLUMN", expression=exp.Literal.string(words))


def _called(target: Relation) -> str:
    return target.name if target.schema == _SCHEMA else str(target)
