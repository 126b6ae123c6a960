-- materialized: table
-- description: Customer x department counts, wide: purchases in each department, one row a customer. The departments
-- description: with the most buyers have a column of their own; targeting.departments says which.
{%- from 'macros/groups.sql' import purchase_columns %}
select
    {{ purchase_columns(wide, "department_key") -}}
    customer_id  -- @not_null @unique
from features.department_counts
group by customer_id
