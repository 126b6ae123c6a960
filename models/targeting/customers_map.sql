-- materialized: table
-- description: The customers map: a sample of customers in two dimensions by what they buy, and where most of it is.
select
    customer_id,  -- @not_null @unique
    x,
    y,
    main_department
from learned.customers_map
