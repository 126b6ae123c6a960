-- materialized: table
-- description: Every department with a small key. Keys follow the order of the names.
with named as (
    select
        department,
        count(distinct customer_id) as customer_count
    from staging.purchases
    group by department
)

select
    row_number() over (order by department) as department_key,  -- @not_null @unique
    department,  -- @not_null @unique
    customer_count  -- @not_null customers who ever bought here
from named
