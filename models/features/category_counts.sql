-- materialized: table
-- description: Customer x category x department counts, long, of the categories that have a feature.
-- unique: customer_id, category_key, department_key
-- needs: category
{%- from 'macros/groups.sql' import purchases_in %}
{%- from 'macros/lines.sql' import is_among %}
with lines as (
    select
        l.customer_id,
        l.purchase_id,
        l.department_key,
        c.category_key
    from features.known_lines as l
    inner join staging.categories as c on c.category = l.category
    where {{ is_among("category_key", category_keys) }}
),

purchases as (
    {{ purchases_in("category_key") }}
)

select
    customer_id,  -- @not_null
    category_key,  -- @not_null
    department_key,  -- @not_null
    cast(sum(is_first) as bigint) as first_purchase_count,  -- @not_null each purchase in the category counts for one department
    cast(sum(is_solo) as bigint) as solo_purchase_count  -- @not_null purchases in the category in this department alone
from purchases
group by customer_id, category_key, department_key
