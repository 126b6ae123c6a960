-- materialized: table
-- description: Customer x department counts, long: one row for each department that a customer has bought in.
-- unique: customer_id, department_key
select
    customer_id,  -- @not_null
    department_key,  -- @not_null
    count(*) as purchase_count,  -- @not_null @between(1, 1e15) purchases with a line of this department
    cast(sum(line_count) as bigint) as line_count,  -- @not_null @between(1, 1e15)
    sum(amount) as amount,  -- @not_null
    min(first_at) as first_at,
    max(last_at) as last_at,
    cast(sum(is_solo) as bigint) as solo_purchase_count,  -- @not_null purchases of this department alone
    cast(sum(is_recent) as bigint) as recent_purchase_count,  -- @not_null
    cast(sum(is_recent_solo) as bigint) as recent_solo_purchase_count,  -- @not_null purchases recent for this department's lines alone
    sum(case when is_recent = 1 then amount else 0 end) as recent_amount  -- @not_null
from features.purchase_departments
group by customer_id, department_key
