-- materialized: table
-- description: Purchases of each customer in each category over all departments but one. department_key 0 leaves out
-- description: nothing; every department where a sampled customer bought in the category has a row that leaves out its
-- description: lines.
-- unique: customer_id, department_key, category_key
-- needs: category
{%- from 'macros/groups.sql' import purchases_without %}
with counted as (
    {{ purchases_without("category_counts", "category_key") }}
)

select
    customer_id,  -- @not_null
    department_key,  -- @not_null
    category_key,  -- @not_null
    purchase_count  -- @not_null @between(0, 1e15)
from counted
