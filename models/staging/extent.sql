-- materialized: view
-- description: From when to when the transactions run, future dates aside: one row.
select
    min(at_time) as first_at,
    max(at_time) as last_at
from (
    select {% if has.occurred_at %}coalesce(try_cast(occurred_at as timestamp), try_cast(trim(cast(occurred_at as varchar)) as timestamp)){% else %}cast(null as timestamp){% endif %} as at_time
    from staging.transactions
) as dated
where at_time < {{ tomorrow | literal }}
