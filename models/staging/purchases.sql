-- materialized: view
-- description: The transaction lines that count: typed, complete, and known before as_of. Of copies, all or the first.
{%- if cleaning.duplicates == "drop" %}
select
    customer_id,
    department,
    occurred_at,
    purchase_id,
    quantity,
    amount,
    category,
    channel,
    discount,
    is_promoted
from staging.first_copies
union all
{%- endif %}
select
    customer_id,
    department,
    occurred_at,
    purchase_id,
    quantity,
    amount,
    category,
    channel,
    discount,
    is_promoted
from staging.lines as l
where
    drop_reason is null
    {%- if cleaning.duplicates == "drop" %}
    and not exists (select 1 from staging.copies as c where c.row_hash = l.row_hash)
    {%- endif %}
