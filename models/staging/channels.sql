-- materialized: table
-- description: Every store or channel with a small key. Keys follow the order of the names.
-- needs: channel
with named as (
    select
        channel,
        count(distinct customer_id) as customer_count
    from staging.purchases
    where channel is not null
    group by channel
)

select
    row_number() over (order by channel) as channel_key,  -- @not_null @unique
    channel,  -- @not_null @unique
    customer_count  -- @not_null customers who ever bought in it
from named
