-- description: Behaviour without a department equals behaviour computed anew from the lines of all other departments.
-- A leak of the target department into its own features shows here. Recomputed for one department in every
-- {{ leak_stride | literal }} or so, each time other ones, on their sampled buyers.
{%- from 'macros/leaks.sql' import differs, is_recounted %}
{%- from 'macros/measures.sql' import recency_days, tenure_days %}
{%- set of_amounts = ["monetary_amount"] if has.amount else [] %}
{%- set of_times = ["recent_frequency_count", "recency_days", "tenure_days"] if has.occurred_at else [] %}
with targets as (
    select
        c.customer_id,
        c.department_key
    from features.department_counts as c
    inner join features.sampled as s on s.customer_id = c.customer_id
    where {{ is_recounted() }}
),

others as (
    select
        t.customer_id,
        t.department_key,
        count(distinct o.purchase_id) as purchase_count,
        count(distinct o.department_key) as breadth_count,
        count(distinct case when o.is_recent = 1 then o.purchase_id end) as recent_purchase_count,
        sum(o.amount) as amount,
        min(o.first_at) as first_at,
        max(o.last_at) as last_at
    from targets as t
    left join features.purchase_departments as o
        on o.customer_id = t.customer_id and o.department_key <> t.department_key
    group by t.customer_id, t.department_key
),

recomputed as (
    select
        customer_id,
        department_key,
        cast(purchase_count as double) as frequency_count,
        cast(breadth_count as double) as breadth_count,
        cast(recent_purchase_count as double) as recent_frequency_count,
        cast(coalesce(amount, 0) as double) as monetary_amount,
        {{ recency_days("last_at") }} as recency_days,
        {{ tenure_days("first_at") }} as tenure_days
    from others
)

select
    r.department_key,
    r.customer_id
from recomputed as r
left join features.behaviour as b on b.customer_id = r.customer_id and b.department_key = r.department_key
where
    {{ differs(["frequency_count", "breadth_count"] + of_amounts + of_times) }}
