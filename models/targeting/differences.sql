-- materialized: table
-- description: What the rules add to each other ranking, on average over the cut-offs. The difference is paired: both
-- description: rankings are measured on the same resamples of customers. low and high bound the 95 percent interval.
-- unique: department_key, ranking, minus, metric, budget
select
    department_key,
    department,
    ranking,
    minus,
    metric,
    budget,
    share,
    value,
    low,
    high
from learned.differences
