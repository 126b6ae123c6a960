{#- Measures of how a customer shops, as expressions. #}

{# A column as DOUBLE. -#}
{%- macro as_double(column) -%}
cast({{ column | ident }} as double)
{%- endmacro %}

{# One column divided by another, 0 where there is nothing to divide by. -#}
{%- macro ratio(part, whole) -%}
coalesce({{ as_double(part) }} / nullif({{ as_double(whole) }}, 0), 0)
{%- endmacro %}

{# Whole thousandths of log(1 + x). -#}
{%- macro log_of(value) -%}
round(1000 * ln(1 + {{ value }}))
{%- endmacro %}

{# A column as DOUBLE, 0 where it is below. -#}
{%- macro at_least_zero(column) -%}
case when {{ column | ident }} > 0 then {{ as_double(column) }} else cast('0' as double) end
{%- endmacro %}

{# Whole days from a time to the cut-off. -#}
{%- macro days_since(column) -%}
date_diff('day', cast({{ column | ident }} as date), {{ cutoff_date | literal }})
{%- endmacro %}

{# Days since the last purchase; of whoever has none left, all days that are observed. -#}
{%- macro recency_days(last_at) -%}
coalesce(cast({{ days_since(last_at) }} as double), cast({{ observed_days | literal }} as double))
{%- endmacro %}

{# Days since the first purchase; of whoever has none left, 0. -#}
{%- macro tenure_days(first_at) -%}
coalesce(cast({{ days_since(first_at) }} as double), 0)
{%- endmacro %}

{# Days over which a customer is known, those that count as recent at least. -#}
{%- macro known_days(first_at) -%}
case
    when {{ days_since(first_at) }} > {{ recent_days | literal }} then {{ days_since(first_at) }}
    else {{ recent_days | literal }}
end
{%- endmacro %}

{# Recent purchases a day over all purchases a day. -#}
{%- macro frequency_trend() -%}
coalesce(
    cast(recent_purchase_count * known_days as double) / nullif(cast(purchase_count * {{ recent_days | literal }} as double), 0),
    0
)
{%- endmacro %}

{# Days since the last purchase over days from purchase to purchase. -#}
{%- macro recency_trend() -%}
coalesce(cast({{ days_since("last_at") }} * purchase_count as double) / cast(known_days as double), 0)
{%- endmacro %}

{# Recent spend a day over all spend a day. -#}
{%- macro monetary_trend() -%}
case
    when amount > 0 and recent_amount > 0
        then cast(recent_amount as double) * cast(known_days as double)
            / (cast(amount as double) * cast({{ recent_days | literal }} as double))
    else cast('0' as double)
end
{%- endmacro %}

{# Money off as a share of the full price. -#}
{%- macro discount_share() -%}
case
    when amount > 0 then cast(discount as double) / cast(amount + discount as double)
    else cast('0' as double)
end
{%- endmacro %}
