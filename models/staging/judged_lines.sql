-- materialized: view
-- description: Every typed line, with the first reason why it is left out, if there is one.
{%- set returned = "quantity" if has.quantity else "amount" %}
select
    customer_id,
    department,
    occurred_at,
    transaction_id,
    quantity,
    amount,
    category,
    channel,
    discount,
    is_marked_promotion,
    is_amount_given,
    row_hash,
    case
        when customer_id is null or trim(cast(customer_id as varchar)) = '' then 'no customer'
        when department is null or trim(department) = '' then 'no department'
        when {{ has.occurred_at | literal }} and not is_time_given then 'no date'
        when is_time_given and occurred_at is null then 'unreadable date'
        when occurred_at >= {{ as_of | literal }} then 'on or after as_of'
        when is_amount_given and amount is null then 'unusable amount'
        when is_discount_given and discount is null then 'unusable discount'
        when is_quantity_given and not coalesce(quantity between -1e15 and 1e15, false) then 'unusable quantity'
        when {{ (cleaning.returns == "drop") | literal }} and {{ returned | ident }} < 0 then 'return'
    end as drop_reason
from staging.typed_lines
