-- materialized: table
-- description: What each customer has bought on promotion over all departments but one. department_key 0 leaves out
-- description: nothing; every department that a sampled customer bought in has a row that leaves out its lines.
-- unique: customer_id, department_key
-- needs: promotion
with marked as (
    select
        customer_id,
        department_key,
        discount,
        promoted_line_count,
        case when promoted_line_count > 0 then 1 else 0 end as is_promoted,
        count(case when promoted_line_count > 0 then 1 end) over (partition by customer_id, purchase_id) as promoted_departments,
        row_number() over (
            partition by customer_id, purchase_id
            order by case when promoted_line_count > 0 then 0 else 1 end, department_key
        ) as position
    from features.purchase_departments
),

counted as (
    select
        customer_id,
        department_key,
        sum(discount) as discount,
        cast(sum(promoted_line_count) as bigint) as line_count,
        cast(sum(case when position = 1 then is_promoted else 0 end) as bigint) as first_purchase_count,
        cast(sum(case when promoted_departments = 1 then is_promoted else 0 end) as bigint) as solo_purchase_count
    from marked
    group by customer_id, department_key
),

totals as (
    select
        customer_id,
        sum(discount) as discount,
        cast(sum(line_count) as bigint) as line_count,
        cast(sum(first_purchase_count) as bigint) as purchase_count
    from counted
    group by customer_id
)

select
    t.customer_id,  -- @not_null
    0 as department_key,  -- @not_null
    t.purchase_count,  -- @not_null @between(0, 1e15) purchases with a line on promotion
    t.line_count,  -- @not_null @between(0, 1e15) lines on promotion
    t.discount  -- @not_null money off
from totals as t
union all
select
    c.customer_id,
    c.department_key,
    t.purchase_count - c.solo_purchase_count as purchase_count,
    t.line_count - c.line_count as line_count,
    t.discount - c.discount as discount
from counted as c
inner join features.sampled as s on s.customer_id = c.customer_id
inner join totals as t on t.customer_id = c.customer_id
