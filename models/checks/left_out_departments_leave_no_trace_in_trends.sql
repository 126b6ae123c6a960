-- description: Trends without a department equal those computed anew from the lines of all other departments. A leak of
-- description: the target department into recent against older activity shows here.
-- Recomputed for one department in every {{ leak_stride | literal }} or so, each time other ones, on all of their buyers.
-- needs: trend
with lines as (
    select
        p.customer_id,
        p.purchase_id,
        p.amount,
        p.occurred_at,
        d.department_key,
        case when p.occurred_at >= {{ recent_from | literal }} then 1 else 0 end as is_recent
    from staging.purchases as p
    inner join staging.departments as d on d.department = p.department
    where p.occurred_at < {{ cutoff | literal }}
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
        count(distinct case when o.is_recent = 1 then o.purchase_id end) as recent_purchase_count,
        count(distinct o.department_key) as breadth_count,
        count(distinct case when o.is_recent = 1 then o.department_key end) as recent_breadth_count,
        coalesce(sum(o.amount), 0) as amount,
        coalesce(sum(case when o.is_recent = 1 then o.amount end), 0) as recent_amount,
        date_diff('day', cast(max(o.occurred_at) as date), {{ cutoff_date | literal }}) as last_days,
        case
            when date_diff('day', cast(min(o.occurred_at) as date), {{ cutoff_date | literal }}) > {{ recent_days | literal }}
                then date_diff('day', cast(min(o.occurred_at) as date), {{ cutoff_date | literal }})
            else {{ recent_days | literal }}
        end as known_days
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
    or b.frequency_trend <> coalesce(
        cast(r.recent_purchase_count * r.known_days as double)
        / nullif(cast(r.purchase_count * {{ recent_days | literal }} as double), 0),
        0
    )
    or b.recent_breadth_share <> coalesce(
        cast(r.recent_breadth_count as double) / nullif(cast(r.breadth_count as double), 0), 0
    )
    or b.recency_trend <> coalesce(cast(r.last_days * r.purchase_count as double) / cast(r.known_days as double), 0)
    {%- if has.amount %}
    or b.monetary_trend <> case
        when r.amount > 0 and r.recent_amount > 0
            then cast(r.recent_amount as double) * cast(r.known_days as double)
                / (cast(r.amount as double) * cast({{ recent_days | literal }} as double))
        else cast('0' as double)
    end
    {%- endif %}
