-- materialized: table
-- description: Customer x channel x department counts, long: how often each customer bought where.
-- unique: customer_id, channel_key, department_key
-- needs: channel
{%- from 'macros/groups.sql' import purchases_in %}
with lines as (
    select
        l.customer_id,
        l.purchase_id,
        l.department_key,
        c.channel_key
    from features.known_lines as l
    inner join staging.channels as c on c.channel = l.channel
),

purchases as (
    {{ purchases_in("channel_key") }}
)

select
    customer_id,  -- @not_null
    channel_key,  -- @not_null
    department_key,  -- @not_null
    cast(sum(is_first) as bigint) as first_purchase_count,  -- @not_null each purchase in the channel counts for one department
    cast(sum(is_solo) as bigint) as solo_purchase_count  -- @not_null purchases in the channel of this department alone
from purchases
group by customer_id, channel_key, department_key
