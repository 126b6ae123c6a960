-- materialized: view
-- description: Every transaction line, typed. What can't be read as its type is NULL; is_..._given tells it from what
-- description: was not there.
{%- from 'macros/staging.sql' import money_of, text_or_null, timestamp_of %}
select
    cast(customer_id as {{ id_type | datatype }}) as customer_id,
    cast(department as varchar) as department,
    {{ timestamp_of("occurred_at" | ident) }} as occurred_at,
    cast(transaction_id as varchar) as transaction_id,
    try_cast(quantity as double) as quantity,
    {{ money_of("amount") }} as amount,
    {{ text_or_null("category") }} as category,
    {{ text_or_null("channel") }} as channel,
    abs({{ money_of("discount") }}) as discount,
    case
        when coalesce(lower({{ text_or_null("is_promotion") }}), 'no')
            in ('0', '0.0', 'false', 'f', 'no', 'n', 'none', 'nan') then 0
        else 1
    end as is_marked_promotion,
    occurred_at is not null as is_time_given,
    quantity is not null as is_quantity_given,
    amount is not null as is_amount_given,
    discount is not null as is_discount_given,
    row_hash
from staging.given_lines
