"""Kill a refresh at random moments, under readers, and look at what is left.

    python -m benchmarks.crash --kills 200
    python -m benchmarks.crash --kills 200 --in-place      published in the working database itself: no readers
    python -m benchmarks.crash --kills 6 --fast            as the tests do

A project of 130 customers is refreshed once. Then each round starts a refresh in a process of its own and sends
SIGKILL to its whole process group: every other time at a moment drawn evenly over a whole refresh, in between within
the publishing or within the promotion, which is the last few milliseconds. All the while two readers, which know
nothing of segwarehouse, open the published state again and again. After each kill a new process looks: the state that
is published is the previous one or the new one, `verify` proves it, a refresh succeeds and leaves nothing of the dead
one. It exits with 1 if anything was not so.

Learning writes nothing to disk and takes most of the time: it is done in the refreshes that are killed at moments drawn
over the whole, and replayed in all others. Processes are forked from one that has compiled UMAP already.
"""

import argparse
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segwarehouse.config import Config
    from segwarehouse.refresh import Worker

ROOT = Path(__file__).parents[1]
CUSTOMERS = 130
DEPARTMENTS = ("Bread", "Fish", "Toys")
KINDS = ("whole refresh", "publishing", "whole refresh", "promotion")
PATIENCE_SECONDS = 600.0

CONFIG = """
[publish]
url = "duckdb:///{published}"
[source]
transactions = "./transactions.parquet"
customer_id = "customer_id"
department = "department"
occurred_at = "occurred_at"
transaction_id = "transaction_id"
[learning]
departments = ["Fish", "Toys"]
outcome_days = 60
min_buyers = 20
jobs = 1
[audience]
budget = 15
"""


@dataclass
class Round:
    """One kill: where it came, and what was found afterwards."""

    kind: str
    step: str
    is_new: bool
    leavings: list[str]
    problems: list[str] = field(default_factory=list)


# -- the project ------------------------------------------------------------------------------------------------------


def write_project(folder: Path, *, in_place: bool) -> None:
    """Write transactions in which whoever buys bread often also buys fish."""
    import numpy as np
    import pandas as pd

    draw = np.random.default_rng(7)
    taste = draw.random((CUSTOMERS, 3)) ** 2
    taste[:, 1] = np.where(taste[:, 0] > 0.4, taste[:, 1] + 0.6, taste[:, 1] * 0.1)
    who = np.repeat(np.arange(CUSTOMERS), draw.poisson(draw.gamma(2.0, 2.0, CUSTOMERS)) + 1)
    chances = taste[who] / taste[who].sum(axis=1, keepdims=True)
    where = (chances.cumsum(axis=1) < draw.random((len(who), 1))).sum(axis=1).clip(0, 2)
    frame = pd.DataFrame(
        {
            "customer_id": who,
            "department": np.array(DEPARTMENTS, dtype=object)[where],
            "occurred_at": pd.Timestamp("2025-01-01")
            + pd.to_timedelta(draw.integers(0, 365 * 24 * 3600, len(who)), unit="s"),
            "transaction_id": np.arange(len(who)),
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(folder / "transactions.parquet")
    text = CONFIG.format(published="warehouse.duckdb" if in_place else "published/warehouse.duckdb")
    (folder / "segwarehouse.toml").write_text(text, encoding="utf-8")


class Learning:
    """What learns in a refresh: a worker, or what the first refresh learned, replayed."""

    def __init__(self) -> None:
        from segwarehouse.refresh import Worker

        results: dict[str, Any] = {}

        class Noting(Worker):
            """Learns, and remembers."""

            def map_customers(self, *arguments: Any) -> Any:
                results["map"] = super().map_customers(*arguments)
                return results["map"]

            def learn(self, task: Any) -> Any:
                results[task.department.name] = super().learn(task)
                return results[task.department.name]

        class Replaying(Worker):
            """Returns what was remembered."""

            def map_customers(self, *_: Any) -> Any:
                return results["map"]

            def learn(self, task: Any) -> Any:
                return results[task.department.name]

        self._honest, self._noting, self._replaying = Worker(), Noting(), Replaying()
        self.worker: Worker = self._honest

    def note(self) -> None:
        """Let a refresh of this process remember what it learns."""
        self.worker = self._noting

    def replay(self) -> None:
        """Let a refresh find what was learned before."""
        self.worker = self._replaying

    def restore(self) -> None:
        """Let a refresh learn."""
        self.worker = self._honest


# -- processes --------------------------------------------------------------------------------------------------------


def forked(work: Callable[[int], object]) -> tuple[int, int]:
    """Run `work` in a process group of its own; return its pid and the end of a pipe that it writes lines to."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    status = 1
    try:
        os.close(reading)
        os.setsid()
        work(writing)
        status = 0
    except BaseException:  # noqa: BLE001 - a forked process must never run on into its parent's code
        os.write(writing, f"failed\t{traceback.format_exc()!r}\n".encode())
    finally:
        os._exit(status)


def refresh_telling(config: "Config", worker: "Worker", pipe: int) -> None:
    """Refresh, and write the name of each step into the pipe as it begins."""
    from segwarehouse.refresh import refresh
    from segwarehouse.state import publish

    def tell(step: str) -> None:
        os.write(pipe, f"{step}\n".encode())

    def promote(*arguments: Any) -> None:
        tell("promote")
        honest(*arguments)

    honest = vars(publish)["promote"]
    vars(publish)["promote"] = promote
    report = refresh(config, progress=lambda moment: tell(moment.step), worker=worker)
    os.write(pipe, f"done\t{report.run_id}\n".encode())


class Lines:
    """The lines that a forked process writes, with the time at which each came."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._rest = b""
        self.lines: list[tuple[float, str]] = []

    def until(self, wanted: str | None, seconds: float) -> bool:
        """Read until the line comes, the time is over or the process has ended; return whether the line came."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self._pipe], [], [], left)[0]:
                if not (read := os.read(self._pipe, 65536)):
                    return False
                *lines, self._rest = (self._rest + read).split(b"\n")
                self.lines += [(time.monotonic(), line.decode()) for line in lines]
                if wanted is not None and wanted in map(bytes.decode, lines):
                    return True
        return False

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._pipe)

    @property
    def last(self) -> str:
        """The last line that came."""
        return self.lines[-1][1] if self.lines else "start"


# -- a round ----------------------------------------------------------------------------------------------------------


def published_run(config: "Config") -> str:
    """Return the run that the published state says it is of."""
    import duckdb

    with duckdb.connect(str(config.publish.url.path), read_only=True) as state:
        return str(state.execute("select run_id from targeting.run").fetchall()[0][0])


def aftermath(config: "Config", worker: "Worker", previous: str, pipe: int) -> None:
    """Look at what a kill has left, refresh, and look again; write what was found as JSON."""
    import duckdb

    from benchmarks.crash_reader import look
    from segwarehouse.refresh import refresh, verify

    problems: list[str] = []

    def run_of_whole_state() -> str:
        with duckdb.connect(str(config.publish.url.path), read_only=True) as state:
            run_id, wrong = look(state)
        problems.extend(wrong)
        return run_id

    left = leavings(config)
    found = run_of_whole_state()
    problems += [f"{item.view} is not proved" for item in verify(config) if not item.proved]
    report = refresh(config, worker=worker)  # which proves what it publishes
    if run_of_whole_state() != report.run_id:
        problems.append(f"{report.run_id} was refreshed and is not what is published")
    with duckdb.connect(str(config.ledger), read_only=True) as ledger:
        statuses = dict(ledger.execute("select run_id, status from history.runs").fetchall())
    if statuses.get(found) != "published" or statuses[report.run_id] != "published" or "running" in statuses.values():
        problems.append(f"the run log says {statuses}")
    if remaining := leavings(config):
        problems.append(f"left behind after the next refresh: {remaining}")
    answer = {"is_new": found != previous, "leavings": left, "problems": problems, "run_id": report.run_id}
    os.write(pipe, f"{json.dumps(answer)}\n".encode())


def leavings(config: "Config") -> list[str]:
    """Name what lies about beside the published states."""
    from segwarehouse.state.folders import states_on_disk

    found: list[str] = []
    if not config.in_place:
        folders = {path.name for path in config.states.iterdir()} - set(states_on_disk(config))
        found += ["unfinished state" for name in folders if name.startswith(".")]
        found += [name for name in folders if not name.startswith(".")]
        found += ["temporary link" for _ in config.directory.glob(".published-*")]
    for database in (config.warehouse.url.path, config.ledger):
        if database.with_name(f"{database.name}.wal").exists():
            found.append(f"write-ahead log of {database.name}")
    return found


class Crashes:
    """Rounds of kills in one project."""

    def __init__(self, config: "Config", seed: int, *, fast: bool) -> None:
        self._config = config
        self._draw = random.Random(seed)  # noqa: S311 - moments to kill at, not secrets
        self._fast = fast
        self._learning = Learning()
        self.previous = ""
        self.durations: dict[str, float] = {}

    def warm_up(self) -> None:
        """Refresh once in this process, then once in a forked one to measure how long each part takes."""
        from segwarehouse.learn import embed
        from segwarehouse.refresh import refresh

        if self._fast:
            vars(embed)["_umap"] = lambda _used, start, *_: start
        self._learning.note()
        refresh(self._config, worker=self._learning.worker)
        ways = {"replayed": self._learning.replay, "whole": self._learning.restore}
        for name in ["replayed"] if self._fast else ["replayed", "whole"]:
            ways[name]()
            started = time.monotonic()
            pid, pipe = forked(lambda writing: refresh_telling(self._config, self._learning.worker, writing))
            written = Lines(pipe)
            written.until(None, PATIENCE_SECONDS)
            written.close()
            if os.waitpid(pid, 0)[1] != 0:
                raise SystemExit(f"the first refresh failed: {written.last}")
            at = {line.split("\t")[0]: when for when, line in reversed(written.lines)}
            self.durations[name] = at["done"] - started
            self.durations["publish"] = at["done"] - at["publish"]
            self.durations["promote"] = at["done"] - at.get("promote", at["publish"])
        self.previous = published_run_in_child(self._config)

    def round(self, kind: str) -> Round | None:
        """Kill one refresh; None if it ended before."""
        is_whole = kind == "whole refresh"
        (self._learning.restore if is_whole and not self._fast else self._learning.replay)()
        pid, pipe = forked(lambda writing: refresh_telling(self._config, self._learning.worker, writing))
        written = Lines(pipe)
        if is_whole:
            written.until(None, self._draw.uniform(0.0, self.durations["replayed" if self._fast else "whole"]))
        else:
            mark = "publish" if kind == "publishing" or self._config.in_place else "promote"
            if written.until(mark, PATIENCE_SECONDS):
                time.sleep(self._draw.uniform(0.0, self.durations[mark]))
        os.killpg(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        written.until(None, 1.0)
        written.close()
        if not os.WIFSIGNALED(status):
            if not written.last.startswith("done"):
                raise SystemExit(f"a refresh failed: {written.last}")
            self.previous = written.last.split("\t")[1]
            return None
        return self._look(kind, written.last)

    def _look(self, kind: str, step: str) -> Round:
        self._learning.replay()
        pid, pipe = forked(lambda writing: aftermath(self._config, self._learning.worker, self.previous, writing))
        written = Lines(pipe)
        written.until(None, PATIENCE_SECONDS)
        written.close()
        if os.waitpid(pid, 0)[1] != 0:
            return Round(
                kind, step, is_new=False, leavings=[], problems=[f"the refresh after it failed: {written.last}"]
            )
        found = json.loads(written.last)
        self.previous = found["run_id"]
        return Round(kind, step, found["is_new"], found["leavings"], found["problems"])


def published_run_in_child(config: "Config") -> str:
    """Ask in another process: this one must hold no engine when it forks."""
    pid, pipe = forked(lambda writing: os.write(writing, f"{published_run(config)}\n".encode()))
    written = Lines(pipe)
    written.until(None, PATIENCE_SECONDS)
    written.close()
    os.waitpid(pid, 0)
    return written.last


# -- readers and the result -------------------------------------------------------------------------------------------


class Readers:
    """Two processes that read all the time."""

    def __init__(self, config: "Config", folder: Path) -> None:
        self._stop = folder / "stop"
        command = [sys.executable, "-m", "benchmarks.crash_reader", str(config.publish.url.path), str(self._stop)]
        self._processes = [
            subprocess.Popen([*command, *more], stdout=subprocess.PIPE, text=True, cwd=ROOT)
            for more in ([], ["--hold"])
        ]

    def finish(self) -> dict[str, Any]:
        """Stop them and add up what they saw."""
        self._stop.touch()
        seen = [json.loads(process.communicate(timeout=PATIENCE_SECONDS)[0]) for process in self._processes]
        return {
            "opened": sum(each["opened"] for each in seen),
            "states": max(each["states"] for each in seen),
            "mixed": sum(each["mixed"] for each in seen),
            "missing": sum(each["missing"] for each in seen),
            "faults": [fault for each in seen for fault in each["faults"]],
        }


def show(rounds: list[Round], seen: dict[str, Any] | None) -> None:
    print("| killed within | kills | previous state stands | new state stands | whole, proved, next refresh succeeds |")
    print("| --- | --- | --- | --- | --- |")
    for kind in dict.fromkeys(KINDS):
        mine = [each for each in rounds if each.kind == kind]
        new = sum(each.is_new for each in mine)
        print(f"| {kind} | {len(mine)} | {len(mine) - new} | {new} | {sum(not each.problems for each in mine)} |")
    steps: dict[str, int] = {}
    left: dict[str, int] = {}
    for each in rounds:
        steps[each.step.split("\t")[0]] = steps.get(each.step.split("\t")[0], 0) + 1
        for name in each.leavings:
            left[name] = left.get(name, 0) + 1
    print("\nKilled during: " + ", ".join(f"{step} {count}" for step, count in sorted(steps.items())))
    print("Left behind, cleared by the next refresh: " + ", ".join(f"{name} {count}" for name, count in left.items()))
    if seen is not None:
        print(
            f"Readers opened the state {seen['opened']:,} times and saw up to {seen['states']} different ones: "
            f"{seen['mixed']} mixed, {seen['missing']} missing."
        )
        for fault in seen["faults"]:
            print(f"  reader: {fault}")
    for each in rounds:
        for problem in each.problems:
            print(f"  {each.kind}, {each.step}: {problem}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--fast", action="store_true", help="no UMAP, and learning replayed everywhere")
    parser.add_argument("--in-place", action="store_true", help="publish in the working database itself")
    arguments = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"  # a forked process can't use the threads of its parent
    os.environ["NUMBA_THREADING_LAYER"] = "workqueue"  # the only one of numba's own that outlives a fork
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "project"
        write_project(folder, in_place=arguments.in_place)
        from segwarehouse.config import load_config

        config = load_config(folder)
        crashes = Crashes(config, arguments.seed, fast=arguments.fast)
        crashes.warm_up()
        print(
            f"Seed {arguments.seed}; seconds: { ({k: round(v, 2) for k, v in crashes.durations.items()}) }", flush=True
        )
        readers = None if config.in_place else Readers(config, Path(place))
        rounds: list[Round] = []
        try:
            while len(rounds) < arguments.kills:
                done = crashes.round(KINDS[len(rounds) % len(KINDS)])
                if done is not None:
                    rounds.append(done)
                    if len(rounds) % 10 == 0:
                        print(f"{len(rounds)} of {arguments.kills}", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            print(f"Stopped after {len(rounds)} kills.")
        finally:
            seen = None if readers is None else readers.finish()
    show(rounds, seen)
    is_whole = not any(each.problems for each in rounds)
    sys.exit(0 if is_whole and (seen is None or not (seen["mixed"] or seen["missing"])) else 1)


if __name__ == "__main__":
    main()
