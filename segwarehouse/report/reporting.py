"""The report at the end of a refresh.

In: a state that is proved and not published yet, and its folder. Out: `report.html` beside the state, so that both are
put in place in one step; or, where it can't be made, the reason. A report that fails loses no run: the audiences are
proved, and the report can be made again from the state at any time.
"""

from dataclasses import dataclass
from pathlib import Path

from segwarehouse.errors import SegwarehouseError
from segwarehouse.report.html import write_report
from segwarehouse.state.published import PublishedState

REPORT_NAME = "report.html"


@dataclass
class Reporting:
    """Makes the report of a run of a project, once; `failure` says why there is none."""

    project: str = ""
    failure: str = ""
    written: bool = False

    def write(self, state: PublishedState, folder: Path) -> None:
        """Write the report into a folder."""
        try:
            write_report(state, folder / REPORT_NAME, (), self.project)
            self.written = True
        except Exception as error:  # noqa: BLE001 - whatever it is, the proved audiences are published
            self.failure = error.message if isinstance(error, SegwarehouseError) else f"{type(error).__name__}: {error}"
