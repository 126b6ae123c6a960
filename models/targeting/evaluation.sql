-- materialized: table
-- description: Every ranking of the candidates (rules, black box, activity, best single measure, random) and how good
-- description: it was in the outcome window: on average over the cut-offs (evaluated_at is NULL) and at each of them.
-- description: low and high bound the 95 percent interval.
-- unique: department_key, ranking, evaluated_at, metric, budget
select
    department_key,
    department,
    ranking,
    evaluated_at,
    metric,
    budget,
    share,
    value,
    low,
    high
from learned.evaluation
