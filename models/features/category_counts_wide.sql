-- materialized: table
-- description: Customer x category counts, wide: purchases in each category, one row a customer who bought in any.
-- needs: category
{%- from 'macros/groups.sql' import purchase_columns %}
select
    {{ purchase_columns(categories, "category_key") -}}
    customer_id  -- @not_null @unique
from features.categories_without
where department_key = 0
group by customer_id
