-- How many customers an audience holds, how many of them may be contacted, and how many the budget reaches.
select
    {{ department | literal }} as department,
    count(*) as selected,
    cast(coalesce(sum(case when a.arm = 'target' then 1 else 0 end), 0) as bigint) as contactable,
    cast(coalesce(sum(case when a.in_budget then 1 else 0 end), 0) as bigint) as contacts
from audience as a
