-- Who entered and who left the audience of a department since the last published run, and why.
with before as (
    select department, customer_id
    from learned.previous_audiences
    where in_budget
),

now_in as (
    select department, customer_id
    from targeting.audiences
    where in_budget
),

known_before as (
    select distinct department from learned.previous_audiences
)

select
    a.department,
    a.customer_id,
    'entered' as change,
    'ranks higher than before, or is new' as reason
from now_in as a
inner join known_before as k on k.department = a.department
where not exists (
    select 1 from before as b where b.department = a.department and b.customer_id = a.customer_id
)
union all
select
    b.department,
    b.customer_id,
    'left' as change,
    case
        when f.customer_id is null then 'is no longer in the data'
        when c.customer_id is not null then 'has bought in the department'
        else 'ranks lower than before'
    end as reason
from before as b
inner join targeting.departments as d on d.department = b.department and d.verdict <> 'refused'
left join features.customers as f on f.customer_id = b.customer_id
left join features.department_counts as c on c.customer_id = b.customer_id and c.department_key = d.department_key
where not exists (
    select 1 from now_in as a where a.department = b.department and a.customer_id = b.customer_id
)
