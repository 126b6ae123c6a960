-- materialized: table
-- description: What the user knows of her customers beside their transactions: one row a customer. Ids are brought to
-- description: the type that they have in the transactions; one that has no such form matches nobody. Columns that can
-- description: be no feature, such as names and addresses, stay where they are.
select
    {%- for name in customer_columns %}
    {{ name | ident }},
    {%- endfor %}
    try_cast({{ customers_id | ident }} as {{ id_type | datatype }}) as customer_id  -- @not_null @unique
from source.customers
where {{ customers_id | ident }} is null or try_cast({{ customers_id | ident }} as {{ id_type | datatype }}) is not null
