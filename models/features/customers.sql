-- materialized: table
-- description: The features of every customer, one row each: what rules and scores read. All are DOUBLE, none is NULL.
select
    {%- for name in behaviour %}
    b.{{ name | ident }},  -- @finite
    {%- endfor %}
    {%- for department in wide %}
    w.{{ department.column | ident }},  -- @finite
    {%- endfor %}
    {%- for category in categories %}
    coalesce(k.{{ category.column | ident }}, 0) as {{ category.column | ident }},  -- @finite
    {%- endfor %}
    {%- for channel in channels %}
    coalesce(s.{{ channel.column | ident }}, 0) as {{ channel.column | ident }},  -- @finite
    {%- endfor %}
    {%- for attribute in attributes %}
    {%- if attribute.kind == "number" %}
    case
        when try_cast(c.{{ attribute.column | ident }} as double) between -1e300 and 1e300
            then try_cast(c.{{ attribute.column | ident }} as double)
        else 0
    end as {{ attribute.feature | ident }},  -- @finite unknown counts as 0
    {%- elif attribute.kind == "known" %}
    case
        when try_cast(c.{{ attribute.column | ident }} as double) between -1e300 and 1e300 then cast('1' as double)
        else cast('0' as double)
    end as {{ attribute.feature | ident }},  -- @finite
    {%- else %}
    case
        when cast(c.{{ attribute.column | ident }} as varchar) = {{ attribute.value | literal }} then cast('1' as double)
        else cast('0' as double)
    end as {{ attribute.feature | ident }},  -- @finite
    {%- endif %}
    {%- endfor %}
    b.customer_id  -- @not_null @unique
from features.behaviour as b
inner join features.department_counts_wide as w on w.customer_id = b.customer_id
{%- if has.category %}
left join features.category_counts_wide as k on k.customer_id = b.customer_id
{%- endif %}
{%- if has.channel %}
left join features.channel_counts_wide as s on s.customer_id = b.customer_id
{%- endif %}
{%- if attributes %}
left join staging.customers as c on c.customer_id = b.customer_id
{%- endif %}
where b.department_key = 0
