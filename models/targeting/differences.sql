-- materialized: table
-- description: What the rules add to each other ranking, on average over the cut-offs. The difference is paired: both
-- description: rankings are measured on the same resamples of customers. low and high bound the 95 percent interval.
-- unique: department_key, ranking, minus, metric, budget
select
    department_key,
    department,
    ranking,
    minus,  -- the ranking that is subtracted
    metric,
    budget,  -- customers of today who are contacted, NULL for metrics of the whole ranking
    share,  -- the same as a share of the candidates, the control group among them
    value,
    low,
    high
from learned.differences
