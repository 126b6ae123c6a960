"""A reader that opens the published state again and again, as a BI tool does, and notes whatever is not whole.

    python -m benchmarks.crash_reader published/warehouse.duckdb stop-file [--hold]

It knows nothing of segwarehouse but the relations that it publishes. It ends when the stop file is there, and prints
what it saw as JSON. With --hold, it keeps the connection before open while it opens the next one.
"""

import json
import sys
import time
from pathlib import Path

import duckdb

PAUSE_SECONDS = 0.1
FAULTS_SHOWN = 20


def look(connection: duckdb.DuckDBPyConnection) -> tuple[str, list[str]]:
    """Return the run of a state, and whatever in it is of another run or does not add up."""

    def ask(query: str, *values: object) -> list[tuple[object, ...]]:
        return connection.execute(query, values).fetchall()

    wrong: list[str] = []
    runs = ask("select run_id from targeting.run")
    if len(runs) != 1:
        return "", [f"targeting.run has {len(runs)} rows"]
    run_id = str(runs[0][0])
    logged = ask("select status from targeting.runs where run_id = ?", run_id)
    if logged != [("published",)]:
        wrong.append(f"{run_id} is logged as {logged}")
    if (seen := ask("select distinct run_id from targeting.audiences")) != [(run_id,)]:
        wrong.append(f"audiences are of {seen}, not of {run_id}")
    views = ask("select department, view_name from targeting.departments where view_name is not null")
    for department, view in views:
        rows = connection.table(f"targeting.{view}").df()
        listed = ask("select count(*) filter (in_budget) from targeting.audiences where department = ?", department)
        if set(rows["run_id"]) != {run_id}:
            wrong.append(f"{view} is of {set(rows['run_id'])}, not of {run_id}")
        if listed != [(int(rows["in_budget"].sum()),)]:
            wrong.append(f"{view} has {rows['in_budget'].sum()} in the budget, and audiences {listed}")
    if not views:
        wrong.append("there are no views")
    return run_id, wrong


def main() -> None:
    path, stop, hold = sys.argv[1], Path(sys.argv[2]), "--hold" in sys.argv
    held: tuple[duckdb.DuckDBPyConnection, str] | None = None
    opened, mixed, missing, faults, states = 0, 0, 0, [], set()
    while not stop.exists():
        try:
            connection = duckdb.connect(path, read_only=True)
            run_id, wrong = look(connection)
            if held is not None:
                still, more = look(held[0])
                wrong += more + ([f"an open connection went from {held[1]} to {still}"] if still != held[1] else [])
                held[0].close()
            held = (connection, run_id) if hold else None
            if not hold:
                connection.close()
            opened += 1
            states.add(run_id)
            mixed += bool(wrong)
            faults += wrong
        except duckdb.Error as error:
            missing += 1
            faults.append(str(error))
        time.sleep(PAUSE_SECONDS)
    if held is not None:
        held[0].close()
    seen = {
        "opened": opened,
        "states": len(states),
        "mixed": mixed,
        "missing": missing,
        "faults": faults[:FAULTS_SHOWN],
    }
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
