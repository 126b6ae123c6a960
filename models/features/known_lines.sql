-- materialized: view
-- description: Every line known before the cut-off, with its department's key and the purchase that it belongs to.
{%- from 'macros/lines.sql' import is_known, purchase_id %}
select
    p.customer_id,
    d.department_key,
    {{ purchase_id() }} as purchase_id,
    p.occurred_at,
    p.amount,
    p.category,
    p.channel,
    p.discount,
    p.is_promoted,
    case when p.occurred_at >= {{ recent_from | literal }} then 1 else 0 end as is_recent
from staging.purchases as p
inner join staging.departments as d on d.department = p.department
where {{ is_known() }}
