"""Who was contacted, as the team that did it says.

In: a CSV or Parquet file, or a DataFrame, with one line a contact: the customer, and if possible the department and the
time. Out: `source.contacts` in a warehouse, with ids as the transactions have them, and `Contacts`, what it says.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
from sqlglot import exp

from segwarehouse.config import Config
from segwarehouse.errors import DataError, SourceError, did_you_mean
from segwarehouse.features import Staged
from segwarehouse.project import create_schema, read_query
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Engine, Relation, SourceEngine, connect

CONTACTS = Relation("source", "contacts")
_COLUMNS = ("customer_id", "department", "contacted_at")


@dataclass(frozen=True)
class Contacts:
    """What a list of contacts says of one run. Each line counts once, however often it stands there.

    Attributes
    ----------
    lines
        How many there are, without empty ones.
    customers
        How many different ids.
    unknown_customers
        How many of them are nobody's: neither in the transactions nor in the audiences of the run.
    made
        Contacts within the window of customers whom the run wanted contacted, or held back as control: what they cost
        was spent on the run's audiences.
    outside_window
        Lines of a time before the run or after its outcome window.
    without_time
        Lines whose time can't be read; they count as within the window.
    other_departments
        Lines of a department in which the run has no audience.
    has_department
        Whether contacts name their department; else each counts in all of a customer's audiences.
    """

    lines: int
    customers: int
    unknown_customers: int
    made: int
    outside_window: int
    without_time: int
    other_departments: int
    has_department: bool


def read_contacts(config: Config, source: str | Path | pd.DataFrame) -> pa.Table:
    """Return customer_id, department and contacted_at of a list of contacts as text, NULL where it has no such column.

    Raises
    ------
    SourceError
        If there is no such file, or none of its columns holds customers.
    """
    raw = Relation("source", "contacted")
    with connect(None) as scratch:
        scratch.execute(create_schema("source"))
        if isinstance(source, pd.DataFrame):
            scratch.load(raw, pa.Table.from_pandas(source, preserve_index=False))
        else:
            _attach(scratch, raw, Path(source))
        found = _named(config, list(scratch.columns(raw)))
        texts = [
            exp.cast(exp.column(found[name], quoted=True) if name in found else exp.null(), "varchar").as_(name)
            for name in _COLUMNS
        ]
        return scratch.fetch(exp.select(*texts).from_(raw.table()))


def _attach(scratch: SourceEngine, raw: Relation, path: Path) -> None:
    if not path.is_file():
        raise SourceError(f"there is no file {path}", "write a CSV or Parquet file with a line for each contact")
    try:
        scratch.attach_source(raw.name, str(path.absolute()))
        # ids keep their leading zeros, and times are read by the same rule whatever wrote them
        scratch.attach_source(raw.name, str(path.absolute()), list(scratch.columns(raw)))
    except SourceError as error:
        what = error.message.removeprefix(f"{raw}: ")
        raise SourceError(f"the list of contacts: {what}", error.hint) from error


def _named(config: Config, columns: Iterable[str]) -> Mapping[str, str]:
    """Return which column is which, called as in the transactions or plainly; case does not matter."""
    by_name = {column.casefold(): column for column in columns}
    source = config.source
    wanted = {
        "customer_id": (source.customer_id, "customer_id"),
        "department": (source.department, "department"),
        "contacted_at": ("contacted_at", source.occurred_at, "occurred_at"),
    }
    found = {
        key: by_name[name.casefold()]
        for key, names in wanted.items()
        for name in reversed(names)
        if name and name.casefold() in by_name
    }
    if "customer_id" not in found:
        name = source.customer_id
        raise SourceError(
            f"the list of contacts has no column {name!r} and none called 'customer_id'",
            did_you_mean(name, by_name.values()),
            column=name,
        )
    return found


def match_contacts(
    warehouse: Engine, staged: Staged, contacts: pa.Table, since: dt.datetime, until: dt.datetime
) -> Contacts:
    """Put the contacts into `source.contacts` and say what they are to a run, whose window ends before `until`.

    Whom the run wanted contacted stands in `learned.audience`.

    Raises
    ------
    DataError
        If there are contacts, and not one of a known customer.
    """
    warehouse.load(Relation("source", "contacted"), contacts)
    window = {"since": since, "until": until, "id_type": staged.id_type}
    sql = TemplateFolder.of("sql")
    warehouse.load(CONTACTS, warehouse.fetch(read_query(sql, "measure/contacts.sql", window)))
    row = warehouse.fetch(read_query(sql, "measure/contacts_found.sql", window)).to_pylist()[0]
    found = Contacts(**row, has_department=contacts["department"].null_count < contacts.num_rows)
    if found.customers and found.unknown_customers == found.customers:
        raise DataError(
            f"not one of the {found.customers:,} customers who were contacted has a transaction",
            "are the ids written as in the transactions, and is it the right column?",
        )
    return found
