-- materialized: table
-- description: Every transaction line as it is learned from, with the reason why it is left out, if it is. Copies of a
-- description: line are left to staging.purchases: which these are, staging.copies says.
-- A purchase is a transaction; without a transaction's id a customer's day.
{%- set no_purchase = none if has.occurred_at and not has.transaction_id else "" %}
select
    customer_id,
    department,
    occurred_at,
    coalesce(transaction_id, cast(cast(occurred_at as date) as varchar), {{ no_purchase | literal }}) as purchase_id,
    quantity,
    coalesce(amount, 0) as amount,
    category,
    channel,
    coalesce(discount, 0) as discount,
    case
        when is_marked_promotion = 1 then 1
        when discount > 0 and not {{ has.is_promotion | literal }} then 1
        else 0
    end as is_promoted,
    {{ has.amount | literal }} and not is_amount_given as is_amount_unknown,
    row_hash,  -- equal where two lines are equal in every column
    drop_reason
from staging.judged_lines
