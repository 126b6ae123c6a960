-- Step 0: who was in the audiences of the previous state.
insert into learned.audience_steps (department, step, customer_id, rank, points, in_budget)
select
    department,
    0 as step,
    customer_id,
    rank,
    cast(null as bigint) as points,
    in_budget
from learned.previous_audiences;
