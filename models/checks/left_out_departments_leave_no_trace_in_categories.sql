-- description: Purchases in a category without a department equal those counted anew from the lines of all other
-- description: departments. A leak of the target department into the categories shows here.
-- Recounted for one department in every {{ leak_stride | literal }} or so, each time other ones, on their sampled buyers.
-- needs: category
{%- from 'macros/leaks.sql' import differs, known_lines, purchases_recounted %}
{%- from 'macros/lines.sql' import is_among %}
with known as (
    {{ known_lines(["category"]) }}
),

lines as (
    select
        l.customer_id,
        l.purchase_id,
        l.department_key,
        c.category_key
    from known as l
    inner join staging.categories as c on c.category = l.category
    where {{ is_among("category_key", category_keys) }}
),

recounted as (
    {{ purchases_recounted("category_key") }}
)

select
    r.department_key,
    r.category_key,
    r.customer_id
from recounted as r
left join features.categories_without as b
    on b.customer_id = r.customer_id and b.department_key = r.department_key and b.category_key = r.category_key
where
    {{ differs(["purchase_count"]) }}
