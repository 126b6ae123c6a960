-- materialized: view
-- description: The user's transactions, under the names that segwarehouse uses. A project may hold a file of this name
-- description: of its own, to join or to filter; it needs customer_id and department, and may have the others.
select
    {{ column.customer_id | ident }} as customer_id,
    {%- for name in ("occurred_at", "transaction_id", "quantity", "amount", "category", "channel", "discount", "is_promotion") if column[name] %}
    {{ column[name] | ident }} as {{ name | ident }},
    {%- endfor %}
    {{ column.department | ident }} as department
from source.transactions
