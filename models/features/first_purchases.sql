-- materialized: view
-- description: How long each sampled customer had shopped here before she first bought in a department that she bought in.
-- unique: customer_id, department_key
select
    c.customer_id,  -- @not_null
    c.department_key,  -- @not_null
    {%- if has.occurred_at %}
    date_diff('day', cast(t.first_at as date), cast(c.first_at as date)) as waited_days  -- @not_null @between(0, 1e6)
    {%- else %}
    0 as waited_days  -- @not_null
    {%- endif %}
from features.department_counts as c
inner join features.sampled as s on s.customer_id = c.customer_id
inner join features.customer_totals as t on t.customer_id = c.customer_id
