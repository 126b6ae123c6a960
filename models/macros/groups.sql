{#- Purchases in a group of products or places: what categories and channels have in common. #}

{# The purchases of the CTE `lines` in each group, one row for each department in them. A purchase counts for the first
   of its departments in the group; it is solo where that is the only one. -#}
{%- macro purchases_in(key) -%}
    select
        customer_id,
        {{ key | ident }},
        department_key,
        case when count(*) over (partition by customer_id, purchase_id, {{ key | ident }}) = 1 then 1 else 0 end as is_solo,
        case
            when row_number() over (partition by customer_id, purchase_id, {{ key | ident }} order by department_key) = 1
                then 1
            else 0
        end as is_first
    from lines
    group by customer_id, purchase_id, {{ key | ident }}, department_key
{%- endmacro %}

{# Purchases in each group over all departments (0), and of sampled customers over all but one, from a relation of
   features. -#}
{%- macro purchases_without(counts, key) -%}
    with totals as (
        select
            customer_id,
            {{ key | ident }},
            cast(sum(first_purchase_count) as bigint) as purchase_count
        from features.{{ counts | ident }}
        group by customer_id, {{ key | ident }}
    )

    select
        t.customer_id,
        0 as department_key,
        t.{{ key | ident }},
        t.purchase_count
    from totals as t
    union all
    select
        c.customer_id,
        c.department_key,
        c.{{ key | ident }},
        t.purchase_count - c.solo_purchase_count as purchase_count
    from features.{{ counts | ident }} as c
    inner join features.sampled as s on s.customer_id = c.customer_id
    inner join totals as t on t.customer_id = c.customer_id and t.{{ key | ident }} = c.{{ key | ident }}
{%- endmacro %}

{# One column of purchases for each department, category or channel that has one, named after it. -#}
{%- macro purchase_columns(members, key) -%}
{%- for member in members -%}
    cast(sum(case when {{ key | ident }} = {{ member.key | literal }} then purchase_count else 0 end) as double) as {{ member.column | ident }},  -- @finite
    {% endfor -%}
{%- endmacro %}
