-- How many lines were kept, and how many were left out for which reason.
select
    {{ run_id | literal }} as run_id,
    reason,
    line_count
from staging.cleaning
