-- materialized: table
-- description: The rules that were learned at the evaluation's cut-off, with how well each did on the candidates of
-- description: that day in the outcome window that followed. _low and _high bound the 95 percent interval.
-- unique: department_key, rule
select
    department_key,
    department,
    rule,
    words,
    condition_sql,
    points,
    support,
    precision,
    precision_low,
    precision_high,
    recall,
    lift,
    lift_low,
    lift_high,
    unique_coverage
from learned.evaluated_rules
