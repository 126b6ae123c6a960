-- What is about to be published, department by department.
update history.runs
set
    compared_with = {{ compared_with | literal }},
    departments_kept = {{ departments_kept | literal }},
    message = {{ message | literal }}
where run_id = {{ run_id | literal }};

insert into history.cards (
    run_id, department, view_name, origin, budget, control_share, salt, card, words
)
select
    {{ run_id | literal }} as run_id,
    c.department,
    c.view_name,
    p.origin,
    c.budget,
    c.control_share,
    c.salt,
    c.card,
    c.words
from learned.cards as c
inner join learned.compared as p on p.department = c.department;

insert into history.rules (
    run_id, department, rule, words, condition_sql, points, support, candidates, learned_precision, learned_lift
)
select
    {{ run_id | literal }} as run_id,
    department,
    rule,
    words,
    condition_sql,
    points,
    support,
    candidates,
    learned_precision,
    learned_lift
from learned.rules;

insert into history.metrics (
    run_id, department, buyers, candidates, selected, rule_count, condition_count, outcome_buyers, auc, auc_low,
    auc_high, lift_at_budget, lift_at_budget_low, lift_at_budget_high, calibration_error, verdict, remark
)
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
from learned.departments;

insert into history.memberships (run_id, department, customer_id, rank, points, in_budget)
select
    {{ run_id | literal }} as run_id,
    department,
    customer_id,
    rank,
    points,
    in_budget
from learned.audience_steps
where step = 3
order by department, rank;

insert into history.changes (run_id, department, customer_id, change, cause, reason)
select
    {{ run_id | literal }} as run_id,
    department,
    customer_text,
    change,
    cause,
    reason
from learned.changes
order by department, change, cause, customer_text;
