-- description: Behaviour without a department equals behaviour computed anew from the lines of all other departments.
-- A leak of the target department into its own features shows here. Recomputed for one department in every
-- {{ leak_stride | literal }} or so, each time other ones, on all of their buyers.
with chosen as (
    select department_key
    from staging.departments
    where department_key % {{ leak_stride | literal }} = {{ leak_offset | literal }}
),

recomputed as (
    select
        c.customer_id,
        ch.department_key,
        cast(count(distinct o.purchase_id) as double) as frequency_count,
        cast(count(distinct o.department_key) as double) as breadth_count,
        {%- if has.amount %}
        cast(coalesce(sum(o.amount), 0) as double) as monetary_amount,
        {%- endif %}
        {%- if has.occurred_at %}
        cast(count(distinct case when o.is_recent = 1 then o.purchase_id end) as double) as recent_frequency_count,
        coalesce(
            cast(date_diff('day', cast(max(o.last_at) as date), {{ cutoff_date | literal }}) as double),
            cast({{ observed_days | literal }} as double)
        ) as recency_days,
        coalesce(cast(date_diff('day', cast(min(o.first_at) as date), {{ cutoff_date | literal }}) as double), 0) as tenure_days,
        {%- endif %}
        count(*) as row_count
    from features.department_counts as c
    inner join chosen as ch on ch.department_key = c.department_key
    left join features.purchase_departments as o
        on o.customer_id = c.customer_id and o.department_key <> ch.department_key
    group by c.customer_id, ch.department_key
)

select b.department_key, b.customer_id
from features.behaviour as b
inner join recomputed as r on r.customer_id = b.customer_id and r.department_key = b.department_key
where
    b.frequency_count <> r.frequency_count
    or b.breadth_count <> r.breadth_count
    {%- if has.amount %}
    or b.monetary_amount <> r.monetary_amount
    {%- endif %}
    {%- if has.occurred_at %}
    or b.recent_frequency_count <> r.recent_frequency_count
    or b.recency_days <> r.recency_days
    or b.tenure_days <> r.tenure_days
    {%- endif %}
