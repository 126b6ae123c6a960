-- materialized: table
-- description: One row a department: its view, how many buy there, how good its ranking of candidates is, a verdict.
-- description: Quality is measured on customers and on a time that the learning never saw; _low and _high bound the
-- description: 95 percent interval.
select
    department_key,  -- @not_null @unique
    department,  -- @not_null @unique the name as it came
    view_name,  -- the view in this schema; NULL where the department was refused
    buyers,  -- customers who have bought here
    candidates,  -- customers who have not
    selected,  -- candidates that satisfy at least one rule
    where_sql,  -- the WHERE clause of the view: at least one rule holds
    budget,
    control_share,
    rule_count,
    condition_count,
    evaluated_at,  -- the cut-off at which quality was measured
    outcome_buyers,  -- candidates who bought in the outcome window
    auc,  -- of the rules
    auc_low,
    auc_high,
    lift_at_budget,
    lift_at_budget_low,
    lift_at_budget_high,
    lift_at_10_percent,
    lift_at_10_percent_low,
    lift_at_10_percent_high,
    activity_auc,  -- of sorting by activity alone
    activity_lift_at_10_percent,
    black_box_auc,  -- of the classifier that the rules were distilled from
    black_box_lift_at_10_percent,
    difference_from_activity,  -- in AUC
    difference_from_activity_low,
    difference_from_activity_high,
    verdict,  -- @not_null @in('beats activity', 'ties', 'trails', 'not evaluated', 'refused')
    remark  -- why it was refused, or what to beware of
from learned.departments
