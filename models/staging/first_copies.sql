-- materialized: view
-- description: Of the lines that are there several times, the first of each.
with numbered as (
    select
        l.*,
        row_number() over (partition by l.row_hash order by l.customer_id) as copy_number
    from staging.lines as l
    inner join staging.copies as c on c.row_hash = l.row_hash
    where l.drop_reason is null
)

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
from numbered
where copy_number = 1
