-- How many customers the previous rules and the new ones select on the same data with the same budget, and how many both.
with members as (
    select
        department,
        customer_id,
        max(case when step = 1 then 1 else 0 end) as by_previous_rules,
        max(case when step = 2 then 1 else 0 end) as by_new_rules
    from learned.audience_steps
    where in_budget and step in (1, 2)
    group by department, customer_id
)

select
    department,
    cast(sum(by_previous_rules) as bigint) as by_previous_rules,
    cast(sum(by_new_rules) as bigint) as by_new_rules,
    cast(sum(by_previous_rules * by_new_rules) as bigint) as by_both
from members
group by department
