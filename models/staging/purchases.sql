-- materialized: view
-- description: The transaction lines that count: typed, complete, and known before as_of.
select
    customer_id,
    department,
    occurred_at,
    purchase_id,
    quantity,
    amount,
    category
from staging.lines
where drop_reason is null
