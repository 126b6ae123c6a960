-- Runs of which nobody knows how they ended. Whoever holds the lock knows: their process is dead.
select
    run_id,
    restored_run_id
from history.runs
where status = 'running'
