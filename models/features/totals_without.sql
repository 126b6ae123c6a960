-- materialized: table
-- description: What each customer has bought over all departments but one. department_key 0 leaves out nothing; every
-- description: department that a sampled customer bought in has a row that leaves out all of its lines, in every measure.
-- unique: customer_id, department_key
{%- from 'macros/lines.sql' import is_among %}
with others as (
    select
        customer_id,
        cast(
            sum(case when {{ is_among("department_key", wide_keys) }} then 0 else purchase_count end) as bigint
        ) as other_purchase_count
    from features.department_counts
    group by customer_id
),

ranked as (
    select
        c.*,
        case when c.recent_purchase_count > 0 then 1 else 0 end as is_recent,
        case when {{ is_among("department_key", wide_keys) }} then 0 else c.purchase_count end as other_purchase_count,
        row_number() over (partition by c.customer_id order by c.last_at desc, c.department_key) as last_position,
        row_number() over (partition by c.customer_id order by c.first_at, c.department_key) as first_position
    from features.department_counts as c
    inner join features.sampled as s on s.customer_id = c.customer_id
),

-- The last and first moments outside the department that holds them: the runner-up's.
runner_up as (
    select
        customer_id,
        max(case when last_position = 2 then last_at end) as second_last_at,
        max(case when first_position = 2 then first_at end) as second_first_at
    from ranked
    group by customer_id
)

select
    t.customer_id,
    0 as department_key,
    t.purchase_count,
    t.line_count,
    t.amount,
    t.breadth_count,
    t.recent_purchase_count,
    t.recent_amount,
    t.recent_breadth_count,
    o.other_purchase_count,
    t.first_at,
    t.last_at
from features.customer_totals as t
inner join others as o on o.customer_id = t.customer_id
union all
select
    t.customer_id,
    r.department_key,
    t.purchase_count - r.solo_purchase_count as purchase_count,
    t.line_count - r.line_count as line_count,
    t.amount - r.amount as amount,
    t.breadth_count - 1 as breadth_count,
    t.recent_purchase_count - r.recent_solo_purchase_count as recent_purchase_count,
    t.recent_amount - r.recent_amount as recent_amount,
    t.recent_breadth_count - r.is_recent as recent_breadth_count,
    o.other_purchase_count - r.other_purchase_count as other_purchase_count,
    case when r.first_position = 1 then u.second_first_at else t.first_at end as first_at,
    case when r.last_position = 1 then u.second_last_at else t.last_at end as last_at
from ranked as r
inner join features.customer_totals as t on t.customer_id = r.customer_id
inner join others as o on o.customer_id = r.customer_id
inner join runner_up as u on u.customer_id = r.customer_id
