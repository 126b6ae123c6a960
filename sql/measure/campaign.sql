-- Whom a run wanted contacted, whom it held back as control, who of them was contacted as far as that is known, and who
-- bought in the department in a window. The control group is kept down to the rank of the last customer in the budget.
with bought as (
    select distinct
        cast(customer_id as varchar) as customer_id,
        department
    from staging.purchases
    where occurred_at >= {{ since | literal }} and occurred_at < {{ until | literal }}
)

select
    m.department,
    m.customer_id,
    m.in_budget as was_planned,
    {% if has_contacts -%}
    exists (
        select 1
        from source.contacts as c
        where
            c.customer_id = m.customer_id
            and (c.department is null or c.department = m.department)
            and c.contacted_at >= {{ since | literal }}
            and c.contacted_at < {{ window_end | literal }}
    )
    {%- else -%}
    m.in_budget
    {%- endif %} as was_contacted,
    case when b.customer_id is null then false else true end as has_bought
from learned.audience as m
left join bought as b on b.customer_id = m.customer_id and b.department = m.department
order by m.department, m.customer_id
