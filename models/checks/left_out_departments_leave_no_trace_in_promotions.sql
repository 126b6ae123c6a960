-- description: Shares of promotion without a department equal those computed anew from the lines of all other
-- description: departments. A leak of the target department into what was bought on promotion shows here.
-- Recomputed for one department in every {{ leak_stride | literal }} or so, each time other ones, on their sampled buyers.
-- needs: promotion
{%- from 'macros/leaks.sql' import differs, known_lines, targets %}
{%- from 'macros/measures.sql' import discount_share, ratio %}
{%- set of_discounts = ["discount_per_purchase"] if has.discount else [] %}
{%- set of_prices = ["discount_share"] if has.discount and has.amount else [] %}
with lines as (
    {{ known_lines(["amount", "discount", "is_promoted"]) }}
),

targets as (
    {{ targets() }}
),

others as (
    select
        t.customer_id,
        t.department_key,
        count(distinct o.purchase_id) as purchase_count,
        count(distinct case when o.is_promoted = 1 then o.purchase_id end) as promoted_purchase_count,
        count(o.purchase_id) as line_count,
        coalesce(sum(o.is_promoted), 0) as promoted_line_count,
        coalesce(sum(o.amount), 0) as amount,
        coalesce(sum(o.discount), 0) as discount
    from targets as t
    left join lines as o on o.customer_id = t.customer_id and o.department_key <> t.department_key
    group by t.customer_id, t.department_key
),

recomputed as (
    select
        customer_id,
        department_key,
        {{ ratio("promoted_purchase_count", "purchase_count") }} as promotion_purchase_share,
        {{ ratio("promoted_line_count", "line_count") }} as promotion_line_share,
        {{ ratio("discount", "purchase_count") }} as discount_per_purchase,
        {{ discount_share() }} as discount_share
    from others
)

select
    r.department_key,
    r.customer_id
from recomputed as r
left join features.behaviour as b on b.customer_id = r.customer_id and b.department_key = r.department_key
where
    {{ differs(["promotion_purchase_share", "promotion_line_share"] + of_discounts + of_prices) }}
