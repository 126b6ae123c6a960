-- Who enters and who leaves, by which cause.
select
    {{ run_id | literal }} as run_id,
    department,
    customer_text as customer_id,
    change,
    cause,
    reason
from learned.changes
order by department, change, cause, customer_text
