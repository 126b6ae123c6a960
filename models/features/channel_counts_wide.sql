-- materialized: table
-- description: Customer x channel counts, wide: purchases in each of the largest channels, one row a customer.
-- needs: channel
select
    {%- for channel in channels %}
    cast(sum(case when channel_key = {{ channel.key | literal }} then purchase_count else 0 end) as double) as {{ channel.column | ident }},  -- @finite
    {%- endfor %}
    customer_id  -- @not_null @unique
from features.channels_without
where department_key = 0
group by customer_id
