-- materialized: table
-- description: Customer x category counts, wide: purchases in each category, one row a customer who bought in any.
-- needs: category
select
    {%- for category in categories %}
    cast(sum(case when category_key = {{ category.key | literal }} then purchase_count else 0 end) as double) as {{ category.column | ident }},  -- @finite
    {%- endfor %}
    customer_id  -- @not_null @unique
from features.categories_without
where department_key = 0
group by customer_id
