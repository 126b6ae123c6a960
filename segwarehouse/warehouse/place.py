"""What a relation is called, and where it is.

In: a relation by its logical name, as `models/` and `sql/` call it. Out: its `Place` in the engine, and queries that
read it there. A relation is where its name says unless a `Places` says otherwise: the features of a cut-off have a
place of their own, what a state reads while it is written is in another catalogue, and the proof puts its customers
in a schema of its own. `Places.moved` is the only thing that rewrites where a query reads. Nothing is made here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

from sqlglot import exp

Query = TypeVar("Query", bound=exp.Expr)


class Relation(NamedTuple):
    """The logical name of a table or view: `schema.name`."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    def table(self, alias: str | None = None) -> exp.Table:
        """Return the sqlglot node, identifiers quoted.

        >>> Relation("features", "customers").table("f").sql()
        '"features"."customers" AS "f"'
        """
        return self.place.table(alias)

    @property
    def place(self) -> "Place":
        """Where the relation is if it is where its name says."""
        return Place(self.schema, self.name)


class Place(NamedTuple):
    """Where a relation is in the engine; `catalog` is empty where it is in the current one."""

    schema: str
    name: str
    catalog: str = ""

    def __str__(self) -> str:
        return ".".join(part for part in (self.catalog, self.schema, self.name) if part)

    def table(self, alias: str | None = None) -> exp.Table:
        """Return the sqlglot node, identifiers quoted.

        >>> Place("learned", "cards", "working").table().sql()
        '"working"."learned"."cards"'
        """
        node = exp.Table(**{part: _quoted(name) for part, name in self._parts().items()})
        if alias:
            node.set("alias", exp.TableAlias(this=_quoted(alias)))
        return node

    def put(self, table: exp.Table) -> None:
        """Make a node name this place, and keep what its columns are called after."""
        if not table.alias and table.name != self.name:
            table.set("alias", exp.TableAlias(this=_quoted(table.name)))
        for part, name in self._parts().items():
            table.set(part, _quoted(name))

    def _parts(self) -> dict[str, str]:
        named = {"this": self.name, "db": self.schema}
        return {**named, "catalog": self.catalog} if self.catalog else named


@dataclass(frozen=True)
class SchemaPlace:
    """Where all relations of a schema are: in `schema` of `catalog`, with `suffix` behind their names."""

    schema: str
    catalog: str = ""
    suffix: str = ""


@dataclass(frozen=True)
class Places:
    """Which relations are elsewhere than their names say.

    Attributes
    ----------
    relations
        Single relations. They come before their schemas.
    schemas
        All relations of a schema.
    """

    relations: Mapping[Relation, Place] = field(default_factory=dict)
    schemas: Mapping[str, SchemaPlace] = field(default_factory=dict)

    def of(self, relation: Relation) -> Place:
        """Return where a relation is.

        >>> past = Places(schemas={"features": SchemaPlace("cutoffs", suffix="_20170701")})
        >>> print(past.of(Relation("features", "customers")), past.of(Relation("staging", "lines")))
        cutoffs.customers_20170701 staging.lines
        """
        if relation in self.relations:
            return self.relations[relation]
        if (found := self.schemas.get(relation.schema)) is not None:
            return Place(found.schema, f"{relation.name}{found.suffix}", found.catalog)
        return relation.place

    def within(self, catalog: str) -> "Places":
        """Return the same places as they are called from another catalogue than their own."""
        return Places(
            {relation: place._replace(catalog=catalog) for relation, place in self.relations.items()},
            {name: replace(found, catalog=catalog) for name, found in self.schemas.items()},
        )

    def moved(self, query: Query) -> Query:
        """Return a query that reads every relation where it is; its columns are called after the relations' own names.

        >>> import sqlglot
        >>> past = Places({Relation("features", "customers"): Place("aside", "c", "other")})
        >>> past.moved(sqlglot.parse_one("SELECT customers.id, features.customers.x FROM features.customers")).sql()
        'SELECT customers.id, customers.x FROM "other"."aside"."c" AS "customers"'
        """
        copied = query.copy()
        elsewhere = set()
        for table in list(copied.find_all(exp.Table)):
            relation = Relation(table.db, table.name)
            if table.db and not table.catalog and (place := self.of(relation)) != relation.place:
                elsewhere.add(relation)
                place.put(table)
        for column in copied.find_all(exp.Column):
            if column.db and Relation(column.db, column.table) in elsewhere:
                column.set("db", None)
        return copied


AS_NAMED = Places()
"""Every relation is where its name says."""


def relation(name: str) -> Relation:
    """Return the relation of a dotted name.

    >>> relation("features.customers")
    Relation(schema='features', name='customers')
    """
    schema, _, table = name.partition(".")
    return Relation(schema, table)


def _quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)
