-- How good they are.
select
    {{ run_id | literal }} as run_id,
    department,
    buyers,
    candidates,
    selected,
    rule_count,
    condition_count,
    outcome_buyers,
    auc,
    auc_low,
    auc_high,
    lift_at_budget,
    lift_at_budget_low,
    lift_at_budget_high,
    calibration_error,
    verdict,
    remark
from learned.departments
