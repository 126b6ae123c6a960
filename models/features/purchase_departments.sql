-- materialized: table
-- description: One row for each department in each purchase of a customer, known before the cut-off.
with counted as (
    select
        customer_id,
        purchase_id,
        department_key,
        count(*) as line_count,
        sum(amount) as amount,
        min(occurred_at) as first_at,
        max(occurred_at) as last_at,
        {%- if has.promotion %}
        sum(discount) as discount,
        cast(sum(is_promoted) as bigint) as promoted_line_count,
        {%- endif %}
        max(is_recent) as is_recent
    from features.known_lines
    group by customer_id, purchase_id, department_key
)

select
    customer_id,
    purchase_id,
    department_key,
    line_count,
    amount,
    first_at,
    last_at,
    {%- if has.promotion %}
    discount,
    promoted_line_count,
    {%- endif %}
    is_recent,
    case when count(*) over (partition by customer_id, purchase_id) = 1 then 1 else 0 end as is_solo,
    case
        when row_number() over (partition by customer_id, purchase_id order by department_key) = 1 then 1
        else 0
    end as is_first,
    max(is_recent) over (partition by customer_id, purchase_id) as is_recent_purchase,
    case
        when is_recent = 1 and sum(is_recent) over (partition by customer_id, purchase_id) = 1 then 1
        else 0
    end as is_recent_solo
from counted
