-- A step that changes nothing leaves the audience as the step before has it.
delete from learned.audience_steps
where department = {{ department | literal }} and step = {{ (step + 1) | literal }};

insert into learned.audience_steps (department, step, customer_id, rank, points, in_budget)
select
    department,
    step + 1 as step,
    customer_id,
    rank,
    points,
    in_budget
from learned.audience_steps
where department = {{ department | literal }} and step = {{ step | literal }};
