-- materialized: table
-- description: Every ranking of the candidates (rules, activity, black box) and how good it was in the outcome window.
-- unique: department_key, ranking, metric, budget
select
    department_key,
    department,
    ranking,
    metric,
    budget,  -- customers contacted, NULL for metrics of the whole ranking
    value,
    low,
    high
from learned.evaluation
