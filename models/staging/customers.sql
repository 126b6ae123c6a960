-- materialized: view
-- description: What the user knows of her customers beside their transactions: one row a customer.
select
    {%- for name in customer_columns %}
    {{ name | ident }},
    {%- endfor %}
    {% if id_as_text %}cast({{ column.customer_id | ident }} as varchar){% else %}{{ column.customer_id | ident }}{% endif %} as customer_id  -- @not_null @unique
from source.customers
