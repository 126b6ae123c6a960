-- materialized: table
-- description: How many transaction lines each run kept, and how many it left out for which reason.
-- unique: run_id, reason
select
    run_id,
    reason,
    line_count
from history.cleaning
