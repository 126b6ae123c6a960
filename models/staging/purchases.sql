-- materialized: view
-- description: The transaction lines that count: typed, complete, and known before as_of. Of copies, all or the first.
{%- if cleaning.duplicates == "drop" %}
with copies as (
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
from copies
where copy_number = 1
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
