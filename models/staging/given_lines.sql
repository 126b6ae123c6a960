-- materialized: view
-- description: Every transaction line as it was given, with all columns that segwarehouse knows: NULL where the
-- description: transactions have no such column.
{%- from 'macros/staging.sql' import column_or_null %}
select
    customer_id,
    department,
    {%- for name in ("occurred_at", "transaction_id", "quantity", "amount", "category", "channel", "discount", "is_promotion") %}
    {{ column_or_null(name) }} as {{ name | ident }},
    {%- endfor %}
    {%- if has.row_hash %}
    row_hash
    {%- else %}
    {{ given_columns | row_hash }} as row_hash
    {%- endif %}
from staging.transactions
