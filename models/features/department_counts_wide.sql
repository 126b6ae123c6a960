-- materialized: table
-- description: Customer x department counts, wide: purchases in each department, one row a customer. The departments
-- description: with the most buyers have a column of their own; targeting.departments says which.
select
    {%- for department in wide %}
    cast(sum(case when department_key = {{ department.key | literal }} then purchase_count else 0 end) as double) as {{ department.column | ident }},  -- @finite
    {%- endfor %}
    customer_id  -- @not_null @unique
from features.department_counts
group by customer_id
