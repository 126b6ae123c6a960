-- materialized: table
-- description: Every product category with a small key. Keys follow the order of the names. A category may belong to
-- description: several departments.
-- needs: category
with ranges as (
    select
        department,
        count(distinct coalesce(category, '')) as category_count
    from staging.purchases
    group by department
),

named as (
    select
        p.category,
        count(distinct p.customer_id) as customer_count,
        count(distinct d.department_key) as department_count,
        min(d.department_key) as first_department_key,
        max(r.category_count) as category_count
    from staging.purchases as p
    inner join staging.departments as d on d.department = p.department
    inner join ranges as r on r.department = p.department
    where p.category is not null
    group by p.category
)

select
    row_number() over (order by category) as category_key,  -- @not_null @unique
    category,  -- @not_null @unique
    customer_count,  -- @not_null customers who ever bought in it
    case when department_count = 1 then first_department_key end as only_department_key,  -- where all of it belongs to one
    case when department_count = 1 and category_count = 1 then 1 else 0 end as is_department  -- @not_null 1 where it is all of a department
from named
