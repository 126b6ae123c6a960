-- materialized: view
-- description: Complete Journey keeps department and category with the product; the rest is in its transactions.
select
    t.household_id as customer_id,
    t.transaction_timestamp as occurred_at,
    t.basket_id as transaction_id,
    t.quantity,
    t.sales_value as amount,
    p.product_category as category,
    p.department,
    {{ source_columns | row_hash("t") }} as row_hash
from source.transactions as t
left join source.products as p on p.product_id = t.product_id
