-- materialized: table
-- description: How long each step of each run took.
-- unique: run_id, position
select
    run_id,
    position,
    step,
    seconds,
    detail
from history.run_steps
