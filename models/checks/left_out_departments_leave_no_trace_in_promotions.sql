-- description: Shares of promotion without a department equal those computed anew from the lines of all other
-- description: departments. A leak of the target department into what was bought on promotion shows here.
-- Recomputed for one department in every {{ leak_stride | literal }} or so, each time other ones, on all of their buyers.
-- needs: promotion
with lines as (
    select
        p.customer_id,
        {% if has.purchases %}p.purchase_id{% else %}cast(row_number() over (order by p.customer_id, p.department) as varchar){% endif %} as purchase_id,
        p.amount,
        p.discount,
        p.is_promoted,
        d.department_key
    from staging.purchases as p
    inner join staging.departments as d on d.department = p.department
    {%- if has.occurred_at %}
    where p.occurred_at < {{ cutoff | literal }}
    {%- endif %}
),

targets as (
    select distinct
        customer_id,
        department_key
    from lines
    where department_key % {{ leak_stride | literal }} = {{ leak_offset | literal }}
),

recomputed as (
    select
        t.customer_id,
        t.department_key,
        count(distinct o.purchase_id) as purchase_count,
        count(distinct case when o.is_promoted = 1 then o.purchase_id end) as promoted_purchase_count,
        count(o.purchase_id) as line_count,
        coalesce(sum(o.is_promoted), 0) as promoted_line_count,
        coalesce(sum(o.amount), 0) as amount,
        coalesce(sum(o.discount), 0) as discount
    from targets as t
    left join lines as o on o.customer_id = t.customer_id and o.department_key <> t.department_key
    group by t.customer_id, t.department_key
)

select
    r.department_key,
    r.customer_id
from recomputed as r
left join features.behaviour as b on b.customer_id = r.customer_id and b.department_key = r.department_key
where
    b.customer_id is null
    or b.promotion_purchase_share <> coalesce(
        cast(r.promoted_purchase_count as double) / nullif(cast(r.purchase_count as double), 0), 0
    )
    or b.promotion_line_share <> coalesce(
        cast(r.promoted_line_count as double) / nullif(cast(r.line_count as double), 0), 0
    )
    {%- if has.discount %}
    or b.discount_per_purchase <> coalesce(
        cast(r.discount as double) / nullif(cast(r.purchase_count as double), 0), 0
    )
    {%- if has.amount %}
    or b.discount_share <> case
        when r.amount > 0 then cast(r.discount as double) / cast(r.amount + r.discount as double)
        else cast('0' as double)
    end
    {%- endif %}
    {%- endif %}
