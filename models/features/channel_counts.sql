-- materialized: table
-- description: Customer x channel x department counts, long: how often each customer bought where.
-- unique: customer_id, channel_key, department_key
-- needs: channel
with bought as (
    select
        p.customer_id,
        {% if has.purchases %}p.purchase_id{% else %}cast(row_number() over (order by p.customer_id, p.department, p.channel) as varchar){% endif %} as purchase_id,
        c.channel_key,
        d.department_key
    from staging.purchases as p
    inner join staging.departments as d on d.department = p.department
    inner join staging.channels as c on c.channel = p.channel
    {%- if has.occurred_at %}
    where p.occurred_at < {{ cutoff | literal }}
    {%- endif %}
),

once as (
    select customer_id, purchase_id, channel_key, department_key
    from bought
    group by customer_id, purchase_id, channel_key, department_key
),

marked as (
    select
        customer_id,
        channel_key,
        department_key,
        case when count(*) over (partition by customer_id, purchase_id, channel_key) = 1 then 1 else 0 end as is_solo,
        case
            when row_number() over (partition by customer_id, purchase_id, channel_key order by department_key) = 1
                then 1
            else 0
        end as is_first
    from once
)

select
    customer_id,  -- @not_null
    channel_key,  -- @not_null
    department_key,  -- @not_null
    cast(sum(is_first) as bigint) as first_purchase_count,  -- @not_null each purchase in the channel counts for one department
    cast(sum(is_solo) as bigint) as solo_purchase_count  -- @not_null purchases in the channel of this department alone
from marked
group by customer_id, channel_key, department_key
