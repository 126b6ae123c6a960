-- materialized: table
-- description: Whether score is true: candidates of the latest cut-off in bins of equal size by probability, with the
-- description: share that bought. _low and _high bound the 95 percent interval.
-- unique: department_key, bin
select
    department_key,
    department,
    bin,
    candidates,
    predicted,
    observed,
    observed_low,
    observed_high
from learned.reliability
