-- materialized: table
-- description: Purchases of each customer in each channel over all departments but one. department_key 0 leaves out
-- description: nothing; every department that a sampled customer bought in a channel has a row that leaves out its lines.
-- unique: customer_id, department_key, channel_key
-- needs: channel
{%- from 'macros/groups.sql' import purchases_without %}
with counted as (
    {{ purchases_without("channel_counts", "channel_key") }}
)

select
    customer_id,  -- @not_null
    department_key,  -- @not_null
    channel_key,  -- @not_null
    purchase_count  -- @not_null @between(0, 1e15)
from counted
