"""A query that is moved reads the same columns somewhere else: proved by its text, and by running it on both."""

import pyarrow as pa
import pytest
from sqlglot import exp

from segwarehouse.project import create_schema
from segwarehouse.warehouse import Place, Places, Relation, SchemaPlace, SourceEngine
from tests.engines import parse

QUERIES = (
    "select c.a from features.customers as c where not exists (select 1 from features.other as o where o.a = c.a)",
    "select customers.a, features.customers.b from features.customers",
    "with customers as (select a from features.other) select a from customers",
    "select a, (select max(b) from features.customers) as most from features.other as customers",
    "select a from features.customers union all select a from features.other order by 1",
    "select s.b.c as c from (select {'c': b} as b from features.customers) as s",
)
RELATIONS = (Relation("features", "customers"), Relation("features", "other"))
PLACES = {
    "single": Places({RELATIONS[0]: Place("aside", "c"), RELATIONS[1]: Place("aside", "d e")}),
    "of a cut-off": Places(schemas={"features": SchemaPlace("cutoffs", suffix="_20170701")}),
    "in another catalogue": Places(schemas={"features": SchemaPlace("features", "memory")}),
}


@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("text", QUERIES)
def test_a_moved_query_finds_the_same_elsewhere(engine: SourceEngine, text: str, places: Places) -> None:
    query = parse(text)
    for number, relation in enumerate(RELATIONS):
        engine.execute(create_schema(relation.schema))
        rows = pa.table({"a": [1, 2, 3 + number], "b": [number, 5, 7]})
        engine.load(relation, rows)
    expected = engine.fetch(query).to_pylist()
    for relation in RELATIONS:
        place = places.of(relation)
        engine.execute(create_schema(place.schema))
        engine.load(place, engine.fetch(exp.select("*").from_(relation.table())))
        if place.schema != relation.schema:
            engine.execute(exp.Drop(tables=[relation.table()], kind="TABLE"))
    moved = places.moved(query)
    assert engine.fetch(moved).to_pylist() == expected
    read = {Place(table.db, table.name, table.catalog) for table in moved.find_all(exp.Table) if table.db}
    assert read <= {places.of(relation) for relation in RELATIONS}
    assert query == parse(text)


def test_what_names_its_catalogue_already_stays_there() -> None:
    query = parse("select a from other.features.customers")
    assert PLACES["of a cut-off"].moved(query) == query


def test_places_are_called_by_their_catalogue_from_another_one() -> None:
    for places in (PLACES["single"], PLACES["of a cut-off"]):
        for relation in RELATIONS:
            assert places.within("home").of(relation) == places.of(relation)._replace(catalog="home")
    elsewhere = Relation("staging", "lines")
    assert PLACES["single"].within("home").of(elsewhere) == elsewhere.place
