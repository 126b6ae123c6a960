-- materialized: table
-- description: How each customer shops, with all lines of one department left out (department_key 0 leaves out none).
-- description: Columns ending in _log hold whole thousandths of log(1 + x) and feed the activity measure alone.
-- unique: customer_id, department_key
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
    round(1000 * ln(1 + cast(purchase_count as double))) as frequency_log,  -- @finite
    round(1000 * ln(1 + cast(breadth_count as double))) as breadth_log  -- @finite
from features.totals_without
