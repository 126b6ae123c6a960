-- A department's rows down to the last customer in the budget; `audience` is its view.
select
    {{ department | literal }} as department,
    {{ step | literal }} as step,
    cast(a.customer_id as varchar) as customer_id,
    a.rank,
    a.points,
    a.in_budget
from audience as a
where a.rank <= (select max(b.rank) from audience as b where b.in_budget)
