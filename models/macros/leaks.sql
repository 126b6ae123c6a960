{#- What the checks for leaks have in common. They start anew from staging.purchases, and share with the features that they
    check what a line, a purchase and a measure are, but neither how purchases are counted nor how a department is left
    out. #}
{%- from 'macros/lines.sql' import is_known, purchase_id %}

{# Whether a department is recounted in this run: one in several, each time other ones. -#}
{%- macro is_recounted() -%}
department_key % {{ leak_stride | literal }} = {{ leak_offset | literal }}
{%- endmacro %}

{# The lines of sampled customers known before the cut-off, with some more columns of staging.purchases. -#}
{%- macro known_lines(columns) -%}
    select
        p.customer_id,
        d.department_key,
        {%- for column in columns %}
        p.{{ column | ident }},
        {%- endfor %}
        {{ purchase_id() }} as purchase_id
    from staging.purchases as p
    inner join staging.departments as d on d.department = p.department
    inner join features.sampled as s on s.customer_id = p.customer_id
    where {{ is_known() }}
{%- endmacro %}

{# Who is recounted without which department: everyone who bought in it, from the CTE `lines`. -#}
{%- macro targets() -%}
    select distinct
        customer_id,
        department_key
    from lines
    where {{ is_recounted() }}
{%- endmacro %}

{# Purchases in each group that the targets bought in, over the other departments, from the CTE `lines`. -#}
{%- macro purchases_recounted(key) -%}
    select
        t.customer_id,
        t.department_key,
        t.{{ key | ident }},
        count(distinct o.purchase_id) as purchase_count
    from (
        select distinct customer_id, department_key, {{ key | ident }}
        from lines
        where {{ is_recounted() }} and {{ key | ident }} is not null
    ) as t
    left join lines as o
        on o.customer_id = t.customer_id
        and o.{{ key | ident }} = t.{{ key | ident }}
        and o.department_key <> t.department_key
    group by t.customer_id, t.department_key, t.{{ key | ident }}
{%- endmacro %}

{# Whether b, what is there, lacks what r, recounted, says, or has another value in one of the columns. -#}
{%- macro differs(columns) -%}
b.customer_id is null
    {%- for column in columns %}
    or b.{{ column | ident }} <> r.{{ column | ident }}
    {%- endfor %}
{%- endmacro %}
