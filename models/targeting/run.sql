-- materialized: table
-- description: The run that this state comes from: one row.
select
    r.run_id,  -- @not_null @unique
    r.as_of,  -- @not_null everything before this day was known
    r.started_at,
    r.protocol,  -- how quality was measured
    r.seed,
    cast({{ score_pool | literal }} as varchar) as score_pool  -- what scores of all departments have in common, as JSON
from history.runs as r
where r.run_id = {{ run_id | literal }}
