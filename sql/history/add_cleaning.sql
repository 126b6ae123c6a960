insert into history.cleaning (run_id, reason, line_count)
select
    {{ run_id | literal }} as run_id,
    reason,
    line_count
from staging.cleaning;
