-- The greatest run id: ids sort in the order in which runs began.
select max(run_id) as run_id
from history.runs
