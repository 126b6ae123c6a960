"""The composition root: what a refresh does, step by step, and what a published state is asked afterwards."""

from segwarehouse.refresh.plan import PlannedRelation, plan
from segwarehouse.refresh.rollback import RollbackReport, rollback
from segwarehouse.refresh.run import refresh
from segwarehouse.refresh.summary import RefreshReport
from segwarehouse.refresh.task import DepartmentResult, DepartmentTask, Worker
from segwarehouse.state.proof import verify

__all__ = [
    "DepartmentResult",
    "DepartmentTask",
    "PlannedRelation",
    "RefreshReport",
    "RollbackReport",
    "Worker",
    "plan",
    "refresh",
    "rollback",
    "verify",
]
