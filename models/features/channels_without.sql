-- materialized: table
-- description: Purchases of each customer in each channel over all departments but one. department_key 0 leaves out
-- description: nothing; every department that a customer bought in a channel has a row that leaves out its lines.
-- unique: customer_id, department_key, channel_key
-- needs: channel
with totals as (
    select
        customer_id,
        channel_key,
        cast(sum(first_purchase_count) as bigint) as purchase_count
    from features.channel_counts
    group by customer_id, channel_key
)

select
    t.customer_id,  -- @not_null
    0 as department_key,  -- @not_null
    t.channel_key,  -- @not_null
    t.purchase_count  -- @not_null @between(0, 1e15)
from totals as t
union all
select
    c.customer_id,
    c.department_key,
    c.channel_key,
    t.purchase_count - c.solo_purchase_count as purchase_count
from features.channel_counts as c
inner join totals as t on t.customer_id = c.customer_id and t.channel_key = c.channel_key
