-- materialized: table
-- description: What each customer has bought over all departments.
with purchases as (
    select
        customer_id,
        cast(sum(is_first) as bigint) as purchase_count,
        cast(sum(is_first * is_recent_purchase) as bigint) as recent_purchase_count
    from features.purchase_departments
    group by customer_id
),

departments as (
    select
        customer_id,
        cast(sum(line_count) as bigint) as line_count,
        sum(amount) as amount,
        sum(recent_amount) as recent_amount,
        count(*) as breadth_count,
        cast(sum(case when recent_purchase_count > 0 then 1 else 0 end) as bigint) as recent_breadth_count,
        min(first_at) as first_at,
        max(last_at) as last_at
    from features.department_counts
    group by customer_id
)

select
    d.customer_id,  -- @not_null @unique
    p.purchase_count,
    d.line_count,
    d.amount,
    d.breadth_count,
    p.recent_purchase_count,
    d.recent_amount,
    d.recent_breadth_count,
    d.first_at,
    d.last_at
from departments as d
inner join purchases as p on p.customer_id = d.customer_id
