-- description: Trends without a department equal those computed anew from the lines of all other departments. A leak of
-- description: the target department into recent against older activity shows here.
-- Recomputed for one department in every {{ leak_stride | literal }} or so, each time other ones, on their sampled buyers.
-- needs: trend
{%- from 'macros/leaks.sql' import differs, known_lines, targets %}
{%- from 'macros/measures.sql' import frequency_trend, known_days, monetary_trend, ratio, recency_trend %}
{%- set of_amounts = ["monetary_trend"] if has.amount else [] %}
with known_lines as (
    {{ known_lines(["amount", "occurred_at"]) }}
),

-- What an order has of a department is recent as a whole, where any line of it is: deliveries may come in parts.
lines as (
    select
        known_lines.*,
        max(occurred_at) over (partition by customer_id, purchase_id, department_key) as part_last_at
    from known_lines
),

targets as (
    {{ targets() }}
),

others as (
    select
        t.customer_id,
        t.department_key,
        count(distinct o.purchase_id) as purchase_count,
        count(distinct case when o.occurred_at >= {{ recent_from | literal }} then o.purchase_id end) as recent_purchase_count,
        count(distinct o.department_key) as breadth_count,
        count(distinct case when o.occurred_at >= {{ recent_from | literal }} then o.department_key end) as recent_breadth_count,
        coalesce(sum(o.amount), 0) as amount,
        coalesce(sum(case when o.part_last_at >= {{ recent_from | literal }} then o.amount end), 0) as recent_amount,
        min(o.occurred_at) as first_at,
        max(o.occurred_at) as last_at
    from targets as t
    left join lines as o on o.customer_id = t.customer_id and o.department_key <> t.department_key
    group by t.customer_id, t.department_key
),

known as (
    select
        others.*,
        {{ known_days("first_at") }} as known_days
    from others
),

recomputed as (
    select
        customer_id,
        department_key,
        {{ frequency_trend() }} as frequency_trend,
        {{ ratio("recent_breadth_count", "breadth_count") }} as recent_breadth_share,
        {{ recency_trend() }} as recency_trend,
        {{ monetary_trend() }} as monetary_trend
    from known
)

select
    r.department_key,
    r.customer_id
from recomputed as r
left join features.behaviour as b on b.customer_id = r.customer_id and b.department_key = r.department_key
where
    {{ differs(["frequency_trend", "recent_breadth_share", "recency_trend"] + of_amounts) }}
