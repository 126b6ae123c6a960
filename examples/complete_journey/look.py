"""Show what to look at in the published warehouse: the queries beside this file, with their results."""

import os
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
PUBLISHED = HERE / "published" / "warehouse.duckdb"


def main() -> None:
    """Run every query and print it with its rows."""
    console = Console()
    with duckdb.connect(str(PUBLISHED), read_only=True) as connection:
        for file in sorted((HERE / "queries").glob("*.sql")):
            query = file.read_text(encoding="utf-8").strip()
            rows = connection.execute(query)
            table = Table(*[column[0] for column in rows.description or []], show_edge=False)
            for row in rows.fetchall():
                table.add_row(*["" if value is None else str(value) for value in row])
            console.print(f"\n{query}\n", style="dim", highlight=False, markup=False)
            console.print(table)
    console.print(f"\nAll of it is in {os.path.relpath(PUBLISHED)}: open it with any DuckDB client.", highlight=False)


if __name__ == "__main__":
    main()
