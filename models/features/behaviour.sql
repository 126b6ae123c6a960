-- materialized: table
-- description: How each customer shops, with all lines of one department left out (department_key 0 leaves out none, and
-- description: has all customers; the others have those who are learned from).
-- description: Columns ending in _log hold whole thousandths of log(1 + x) and feed the activity measure alone.
-- unique: customer_id, department_key
{%- from 'macros/measures.sql' import as_double, at_least_zero, discount_share, frequency_trend, known_days, log_of %}
{%- from 'macros/measures.sql' import monetary_trend, ratio, recency_days, recency_trend, tenure_days %}
with bought as (
    select
        {%- if has.promotion %}
        p.purchase_count as promoted_purchase_count,
        p.line_count as promoted_line_count,
        p.discount,
        {%- endif %}
        {%- if has.channel %}
        c.channel_count,
        {%- endif %}
        t.*
    from features.totals_without as t
    left join features.sampled as s on s.customer_id = t.customer_id
    {%- if has.promotion %}
    left join features.promotions_without as p on p.customer_id = t.customer_id and p.department_key = t.department_key
    {%- endif %}
    {%- if has.channel %}
    left join features.channel_breadth_without as c on c.customer_id = t.customer_id and c.department_key = t.department_key
    {%- endif %}
    where t.department_key = 0 or s.customer_id is not null
),

known as (
    select
        {{ known_days("first_at") }} as known_days,
        bought.*
    from bought
)

select
    customer_id,  -- @not_null
    department_key,  -- @not_null
    {{ as_double("purchase_count") }} as frequency_count,  -- @finite purchases
    {{ as_double("breadth_count") }} as breadth_count,  -- @finite departments bought in
    {%- if has.capped_departments %}
    {{ as_double("other_purchase_count") }} as purchases_other_departments,  -- @finite purchases in departments without a column
    {%- endif %}
    {%- if has.purchases %}
    {{ ratio("line_count", "purchase_count") }} as lines_per_purchase,  -- @finite
    {%- endif %}
    {%- if has.amount %}
    coalesce({{ as_double("amount") }}, 0) as monetary_amount,  -- @finite spend
    {{ ratio("amount", "purchase_count") }} as amount_per_purchase,  -- @finite
    {{ log_of(at_least_zero("amount")) }} as amount_log,  -- @finite
    {%- endif %}
    {%- if has.occurred_at %}
    {{ recency_days("last_at") }} as recency_days,  -- @finite days since the last purchase
    {{ tenure_days("first_at") }} as tenure_days,  -- @finite days since the first purchase
    {{ log_of(recency_days("last_at")) }} as recency_log,  -- @finite
    {{ as_double("recent_purchase_count") }} as recent_frequency_count,  -- @finite
    {{ as_double("recent_breadth_count") }} as recent_breadth_count,  -- @finite
    {%- endif %}
    {%- if has.occurred_at and has.amount %}
    {{ as_double("recent_amount") }} as recent_monetary_amount,  -- @finite
    {%- endif %}
    {%- if has.trend %}
    {{ frequency_trend() }} as frequency_trend,  -- @finite recent purchases a day over all purchases a day
    {{ ratio("recent_breadth_count", "breadth_count") }} as recent_breadth_share,  -- @finite
    {{ recency_trend() }} as recency_trend,  -- @finite days since the last purchase over days from purchase to purchase
    {%- endif %}
    {%- if has.trend and has.amount %}
    {{ monetary_trend() }} as monetary_trend,  -- @finite recent spend a day over all spend a day
    {%- endif %}
    {%- if has.channel %}
    {{ as_double("channel_count") }} as channel_count,  -- @finite
    {%- endif %}
    {%- if has.promotion %}
    {{ ratio("promoted_purchase_count", "purchase_count") }} as promotion_purchase_share,  -- @finite of purchases
    {{ ratio("promoted_line_count", "line_count") }} as promotion_line_share,  -- @finite of lines
    {%- endif %}
    {%- if has.discount %}
    {{ ratio("discount", "purchase_count") }} as discount_per_purchase,  -- @finite money off
    {%- endif %}
    {%- if has.discount and has.amount %}
    {{ discount_share() }} as discount_share,  -- @finite of the full price
    {%- endif %}
    {{ log_of(as_double("purchase_count")) }} as frequency_log,  -- @finite
    {{ log_of(as_double("breadth_count")) }} as breadth_log  -- @finite
from known
