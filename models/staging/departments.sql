-- materialized: table
-- description: Every department with a small key. Keys follow the order of the names. Whoever bought nowhere else can't be
-- description: learned from: without the department's own lines nothing is known of her.
with bought as (
    select
        customer_id,
        department
    from staging.purchases
    group by customer_id, department
),

breadth as (
    select
        customer_id,
        count(*) as department_count
    from bought
    group by customer_id
),

named as (
    select
        b.department,
        count(*) as customer_count,
        cast(sum(case when e.department_count > 1 then 1 else 0 end) as bigint) as learnable_customer_count
    from bought as b
    inner join breadth as e on e.customer_id = b.customer_id
    group by b.department
)

select
    row_number() over (order by department) as department_key,  -- @not_null @unique
    department,  -- @not_null @unique
    customer_count,  -- @not_null customers who ever bought here
    learnable_customer_count  -- @not_null those of them who ever bought elsewhere too
from named
