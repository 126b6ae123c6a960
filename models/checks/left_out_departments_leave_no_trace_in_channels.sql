-- description: Purchases in a channel, and the number of channels, without a department equal those counted anew from
-- description: the lines of all other departments. A leak of the target department into the channels shows here.
-- Recounted for one department in every {{ leak_stride | literal }} or so, each time other ones, on their sampled buyers.
-- needs: channel
{%- from 'macros/leaks.sql' import differs, known_lines, purchases_recounted, targets %}
with known as (
    {{ known_lines(["channel"]) }}
),

lines as (
    select
        l.customer_id,
        l.purchase_id,
        l.department_key,
        c.channel_key
    from known as l
    left join staging.channels as c on c.channel = l.channel
),

targets as (
    {{ targets() }}
),

recounted as (
    {{ purchases_recounted("channel_key") }}
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
left join features.channels_without as b
    on b.customer_id = r.customer_id and b.department_key = r.department_key and b.channel_key = r.channel_key
where
    {{ differs(["purchase_count"]) }}
union all
select
    r.department_key,
    0 as channel_key,
    r.customer_id
from breadth as r
left join features.behaviour as b on b.customer_id = r.customer_id and b.department_key = r.department_key
where
    {{ differs(["channel_count"]) }}
