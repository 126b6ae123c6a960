-- description: Purchases in a channel, and the number of channels, without a department equal those counted anew from
-- description: the lines of all other departments. A leak of the target department into the channels shows here.
-- Recounted for one department in every {{ leak_stride | literal }} or so, each time other ones, on all of their buyers.
-- needs: channel
with lines as (
    select
        p.customer_id,
        {% if has.purchases %}p.purchase_id{% else %}cast(row_number() over (order by p.customer_id, p.department, p.channel) as varchar){% endif %} as purchase_id,
        c.channel_key,
        d.department_key
    from staging.purchases as p
    inner join staging.departments as d on d.department = p.department
    left join staging.channels as c on c.channel = p.channel
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

visited as (
    select distinct
        t.customer_id,
        t.department_key,
        o.channel_key
    from targets as t
    inner join lines as o
        on o.customer_id = t.customer_id and o.department_key = t.department_key and o.channel_key is not null
),

recounted as (
    select
        v.customer_id,
        v.department_key,
        v.channel_key,
        count(distinct o.purchase_id) as purchase_count
    from visited as v
    left join lines as o
        on o.customer_id = v.customer_id and o.channel_key = v.channel_key and o.department_key <> v.department_key
    group by v.customer_id, v.department_key, v.channel_key
),

breadth as (
    select
        t.customer_id,
        t.department_key,
        cast(count(distinct o.channel_key) as double) as channel_count
    from targets as t
    left join lines as o on o.customer_id = t.customer_id and o.department_key <> t.department_key
    group by t.customer_id, t.department_key
)

select
    r.department_key,
    r.channel_key,
    r.customer_id
from recounted as r
left join features.channels_without as w
    on w.customer_id = r.customer_id and w.department_key = r.department_key and w.channel_key = r.channel_key
where w.purchase_count is null or w.purchase_count <> r.purchase_count
union all
select
    r.department_key,
    0 as channel_key,
    r.customer_id
from breadth as r
left join features.behaviour as b on b.customer_id = r.customer_id and b.department_key = r.department_key
where b.channel_count is null or b.channel_count <> r.channel_count
