-- materialized: view
-- description: The transaction lines that count: typed, complete, and known before as_of.
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
from staging.lines
where drop_reason is null
