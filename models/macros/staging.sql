{#- Expressions for staging. #}

{# A column of staging.transactions, or NULL where it has no such column. -#}
{%- macro column_or_null(name) -%}
{%- if has[name] %}{{ name | ident }}{% else %}cast(null as varchar){% endif -%}
{%- endmacro %}

{# A timestamp, from what may be text. Nanoseconds with a time zone, as pandas writes them, become one through text only. -#}
{%- macro timestamp_of(value) -%}
coalesce(try_cast({{ value }} as timestamp), try_cast(trim(cast({{ value }} as varchar)) as timestamp))
{%- endmacro %}

{# Text without blanks around it, NULL where nothing is left. -#}
{%- macro text_or_null(column) -%}
nullif(trim(cast({{ column | ident }} as varchar)), '')
{%- endmacro %}

{# Money, exact to four decimals. NULL where it can't be read. -#}
{%- macro money_of(column) -%}
try_cast({{ column | ident }} as decimal(18, 4))
{%- endmacro %}
