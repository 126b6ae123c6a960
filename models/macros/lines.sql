{#- What is a line that is known, what is a purchase, and which departments have a column. #}

{# Whether a line of staging.purchases, p, is known before the cut-off. Where there are no times, each is. -#}
{%- macro is_known() -%}
{%- if has.occurred_at %}p.occurred_at < {{ cutoff | literal }}{% else %}true{% endif -%}
{%- endmacro %}

{# The purchase that a line of staging.purchases, p, belongs to. Without transactions and times, a line is one. -#}
{%- macro purchase_id() -%}
{%- if has.purchases -%}
p.purchase_id
{%- else -%}
cast(row_number() over (order by p.customer_id, p.department) as varchar)
{%- endif -%}
{%- endmacro %}

{# Whether a key is one of a list, which may be empty. -#}
{%- macro is_among(column, keys) -%}
{%- if keys %}{{ column | ident }} in ({{ keys | literals }}){% else %}false{% endif -%}
{%- endmacro %}
