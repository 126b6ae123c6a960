"""The composition root: what a refresh does, step by step, and what a published state is asked afterwards."""

from segwarehouse.refresh.department import DepartmentResult, DepartmentTask, Worker
from segwarehouse.refresh.plan import plan
from segwarehouse.refresh.rollback import RollbackReport, rollback
from segwarehouse.refresh.run import RefreshReport, refresh
from segwarehouse.state.proof import verify

__all__ = [
    "DepartmentResult",
    "DepartmentTask",
    "RefreshReport",
    "RollbackReport",
    "Worker",
    "plan",
    "refresh",
    "rollback",
    "verify",
]
