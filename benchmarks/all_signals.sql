-- materialized: view
-- description: Complete Journey with every optional column: the product's category, the store, and money off.
select
    t.household_id as customer_id,
    t.transaction_timestamp as occurred_at,
    t.basket_id as transaction_id,
    t.quantity,
    t.sales_value as amount,
    t.store_id as channel,
    t.retail_disc + t.coupon_disc + t.coupon_match_disc as discount,
    p.product_category as category,
    p.department,
    {{ source_columns | row_hash("t") }} as row_hash
from source.transactions as t
left join source.products as p on p.product_id = t.product_id
