"""Worker processes do what they are given, in order, and do not outlive the process that gave it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from segwarehouse.workers import in_parallel, on_one_thread

LARGE = 5_000_000
"""More bytes than a pipe takes: a worker whose parent is gone can't get rid of its result."""


def mark_and_return(folder: Path, number: int, seconds: float) -> bytes:
    (folder / f"{number}.pid").write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(seconds)
    return bytes([number]) * LARGE


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_order_whatever_the_number_of_processes(tmp_path: Path, jobs: int) -> None:
    work = [(tmp_path, number, 0.2 if number == 0 else 0.0) for number in range(4)]
    assert [result[0] for result in in_parallel(mark_and_return, work, jobs)] == [0, 1, 2, 3]
    pids = {(tmp_path / f"{number}.pid").read_text(encoding="utf-8") for number in range(4)}
    assert (str(os.getpid()) in pids) == (jobs == 1)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from segwarehouse.workers import in_parallel, on_one_thread\n"
        "from tests.refresh.test_workers import mark_and_return\n"
        "list(in_parallel(mark_and_return, [(Path(sys.argv[1]), number, 3.0) for number in range(2)], 2))\n"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=root, env=environment)
    try:
        deadline = time.monotonic() + 60
        while len(list(tmp_path.glob("*.pid"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.5)  # a file that is there may not be written yet
        workers = [int(file.read_text(encoding="utf-8")) for file in tmp_path.glob("*.pid")]
        assert len(set(workers)) == 2
        assert all(is_running(pid) for pid in workers)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    deadline = time.monotonic() + 30
    while any(is_running(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not any(is_running(pid) for pid in workers)


def test_numerical_libraries_work_on_one_thread_and_on_as_many_as_before_afterwards() -> None:
    matrix = np.ones((200, 200))

    def threads() -> set[int]:
        _ = matrix @ matrix  # the library is loaded
        return {int(pool["num_threads"]) for pool in threadpool_info()}

    before = threads()
    with on_one_thread():
        assert threads() == {1}
    assert threads() == before
