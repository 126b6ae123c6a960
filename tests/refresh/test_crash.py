"""A refresh that is killed leaves a whole state, under readers. `python -m benchmarks.crash` does it in full."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("kills", "more"), [(6, []), (3, ["--in-place"])], ids=["beside", "in-place"])
def test_a_killed_refresh_leaves_a_whole_state_and_the_next_one_succeeds(kills: int, more: list[str]) -> None:
    command = [sys.executable, "-m", "benchmarks.crash", "--fast", "--kills", str(kills), "--seed", "3", *more]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    counts = [tuple(map(int, row)) for row in re.findall(r"\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", ended.stdout)]
    assert sum(killed for killed, *_ in counts) == kills
    assert all(killed == former + new == whole for killed, former, new, whole in counts)
    if not more:
        opened = re.search(r"opened the state ([\d,]+) times.*: 0 mixed, 0 missing\.", ended.stdout)
        assert opened is not None
        assert int(opened[1].replace(",", "")) > kills
