-- materialized: table
-- description: In how many channels each customer has bought over all departments but one, as in channels_without.
-- unique: customer_id, department_key
-- needs: channel
with totals as (
    select
        customer_id,
        count(*) as channel_count
    from features.channels_without
    where department_key = 0
    group by customer_id
),

alone as (
    select
        customer_id,
        department_key,
        count(case when purchase_count = 0 then 1 end) as channel_count
    from features.channels_without
    where department_key <> 0
    group by customer_id, department_key
)

select
    a.customer_id,  -- @not_null
    0 as department_key,  -- @not_null
    coalesce(t.channel_count, 0) as channel_count  -- @not_null @between(0, 1e15)
from features.customer_totals as a
left join totals as t on t.customer_id = a.customer_id
union all
select
    c.customer_id,
    c.department_key,
    coalesce(t.channel_count, 0) - coalesce(a.channel_count, 0) as channel_count
from features.department_counts as c
inner join features.sampled as s on s.customer_id = c.customer_id
left join totals as t on t.customer_id = c.customer_id
left join alone as a on a.customer_id = c.customer_id and a.department_key = c.department_key
