-- Their audiences, down to the last customer in the budget.
select
    {{ run_id | literal }} as run_id,
    department,
    customer_id,
    rank,
    points,
    in_budget
from learned.audience_steps
where step = 3
order by department, rank
