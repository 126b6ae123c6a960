-- materialized: table
-- description: Customer x channel counts, wide: purchases in each of the largest channels, one row a customer.
-- needs: channel
{%- from 'macros/groups.sql' import purchase_columns %}
select
    {{ purchase_columns(channels, "channel_key") -}}
    customer_id  -- @not_null @unique
from features.channels_without
where department_key = 0
group by customer_id
