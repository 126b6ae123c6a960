-- materialized: table
-- description: How each customer shops, with all lines of one department left out (department_key 0 leaves out none).
-- description: Columns ending in _log hold whole thousandths of log(1 + x) and feed the activity measure alone.
-- unique: customer_id, department_key
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
        {%- if has.trend %}
        case
            when date_diff('day', cast(t.first_at as date), {{ cutoff_date | literal }}) > {{ recent_days | literal }}
                then date_diff('day', cast(t.first_at as date), {{ cutoff_date | literal }})
            else {{ recent_days | literal }}
        end as known_days,
        {%- endif %}
        t.*
    from features.totals_without as t
    {%- if has.promotion %}
    left join features.promotions_without as p on p.customer_id = t.customer_id and p.department_key = t.department_key
    {%- endif %}
    {%- if has.channel %}
    left join features.channel_breadth_without as c on c.customer_id = t.customer_id and c.department_key = t.department_key
    {%- endif %}
)

select
    customer_id,  -- @not_null
    department_key,  -- @not_null
    cast(purchase_count as double) as frequency_count,  -- @finite purchases
    cast(breadth_count as double) as breadth_count,  -- @finite departments bought in
    {%- if has.capped_departments %}
    cast(other_purchase_count as double) as purchases_other_departments,  -- @finite purchases in departments without a column
    {%- endif %}
    {%- if has.purchases %}
    coalesce(cast(line_count as double) / nullif(cast(purchase_count as double), 0), 0) as lines_per_purchase,  -- @finite
    {%- endif %}
    {%- if has.amount %}
    coalesce(cast(amount as double), 0) as monetary_amount,  -- @finite spend
    coalesce(cast(amount as double) / nullif(cast(purchase_count as double), 0), 0) as amount_per_purchase,  -- @finite
    round(1000 * ln(1 + case when amount > 0 then cast(amount as double) else cast('0' as double) end)) as amount_log,  -- @finite
    {%- endif %}
    {%- if has.occurred_at %}
    coalesce(
        cast(date_diff('day', cast(last_at as date), {{ cutoff_date | literal }}) as double),
        cast({{ observed_days | literal }} as double)
    ) as recency_days,  -- @finite days since the last purchase
    coalesce(cast(date_diff('day', cast(first_at as date), {{ cutoff_date | literal }}) as double), 0) as tenure_days,  -- @finite days since the first purchase
    round(1000 * ln(1 + coalesce(
        cast(date_diff('day', cast(last_at as date), {{ cutoff_date | literal }}) as double),
        cast({{ observed_days | literal }} as double)
    ))) as recency_log,  -- @finite
    cast(recent_purchase_count as double) as recent_frequency_count,  -- @finite
    cast(recent_breadth_count as double) as recent_breadth_count,  -- @finite
    {%- if has.amount %}
    cast(recent_amount as double) as recent_monetary_amount,  -- @finite
    {%- endif %}
    {%- endif %}
    {%- if has.trend %}
    coalesce(
        cast(recent_purchase_count * known_days as double) / nullif(cast(purchase_count * {{ recent_days | literal }} as double), 0),
        0
    ) as frequency_trend,  -- @finite recent purchases a day over all purchases a day
    coalesce(cast(recent_breadth_count as double) / nullif(cast(breadth_count as double), 0), 0) as recent_breadth_share,  -- @finite
    coalesce(
        cast(date_diff('day', cast(last_at as date), {{ cutoff_date | literal }}) * purchase_count as double)
        / cast(known_days as double),
        0
    ) as recency_trend,  -- @finite days since the last purchase over days from purchase to purchase
    {%- if has.amount %}
    case
        when amount > 0 and recent_amount > 0
            then cast(recent_amount as double) * cast(known_days as double)
                / (cast(amount as double) * cast({{ recent_days | literal }} as double))
        else cast('0' as double)
    end as monetary_trend,  -- @finite recent spend a day over all spend a day
    {%- endif %}
    {%- endif %}
    {%- if has.channel %}
    cast(channel_count as double) as channel_count,  -- @finite
    {%- endif %}
    {%- if has.promotion %}
    coalesce(
        cast(promoted_purchase_count as double) / nullif(cast(purchase_count as double), 0), 0
    ) as promotion_purchase_share,  -- @finite of purchases
    coalesce(cast(promoted_line_count as double) / nullif(cast(line_count as double), 0), 0) as promotion_line_share,  -- @finite of lines
    {%- if has.discount %}
    coalesce(cast(discount as double) / nullif(cast(purchase_count as double), 0), 0) as discount_per_purchase,  -- @finite money off
    {%- if has.amount %}
    case
        when amount > 0 then cast(discount as double) / cast(amount + discount as double)
        else cast('0' as double)
    end as discount_share,  -- @finite of the full price
    {%- endif %}
    {%- endif %}
    {%- endif %}
    round(1000 * ln(1 + cast(purchase_count as double))) as frequency_log,  -- @finite
    round(1000 * ln(1 + cast(breadth_count as double))) as breadth_log  -- @finite
from bought
