-- materialized: table
-- description: One row a department: its view, how many buy there, how good its ranking of candidates is, a verdict.
-- description: Quality is measured on customers and on a time that the learning never saw; _low and _high bound the
-- description: 95 percent interval. Over several cut-offs they are means.
select
    department_key,  -- @not_null @unique
    department,  -- @not_null @unique the name as it came
    view_name,  -- the view in this schema; NULL where the department was refused
    buyers,  -- customers who have bought here
    candidates,  -- customers who have not
    selected,  -- candidates in the view: they satisfy at least one rule
    contactable,  -- those of them in the target arm
    contacts,  -- those of them within the budget
    where_sql,  -- the WHERE clause of the view: at least one rule holds
    budget,
    control_share,
    rule_count,
    condition_count,
    evaluated_at,  -- the latest cut-off at which quality was measured
    cutoff_count,  -- how many there were
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
    activity_lift_at_budget,
    activity_lift_at_10_percent,
    single_measure,  -- the one column that tells the buyers of the cut-off from others best
    single_measure_auc,  -- of sorting by it
    single_measure_lift_at_budget,
    single_measure_lift_at_10_percent,
    black_box_auc,  -- of the classifier that the rules were distilled from
    black_box_lift_at_budget,
    black_box_lift_at_10_percent,
    difference_from_activity,  -- in AUC
    difference_from_activity_low,
    difference_from_activity_high,
    judged_share,  -- of the candidates: the budget, or a tenth where the budget is for more than half of them
    judged_contacts,  -- the same in customers of today, the control group left out
    expected_buyers,  -- of these contacts, going by the past
    expected_buyers_low,
    expected_buyers_high,
    extra_buyers,  -- more of these contacts than of as many of the most active customers
    extra_buyers_low,
    extra_buyers_high,
    score_basis,  -- own outcomes, all departments, or look-alike
    expected_share,  -- of today's candidates who will buy within outcome_days: the mean of score over all of them
    expected_share_low,
    expected_share_high,
    calibration_error,  -- mean distance between predicted and observed share of buyers, in bins of equal size
    calibration_error_by_chance,  -- what it would be if the probabilities were exactly true
    best_budget,  -- contacts with the highest expected profit; NULL without audience.expected_uplift
    best_profit,
    best_profit_low,
    best_profit_high,
    verdict,  -- @not_null @in('beats activity', 'ties', 'trails', 'not evaluated', 'look-alike only', 'refused')
    verdict_at_budget,  -- @in('beats activity', 'ties', 'trails', 'not evaluated', 'look-alike only', 'refused')
    remark  -- why it was refused, or what to beware of
from learned.departments
