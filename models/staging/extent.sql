-- materialized: view
-- description: From when to when the transactions run, future dates aside: one row.
{%- from 'macros/staging.sql' import column_or_null, timestamp_of %}
with dated as (
    select {{ timestamp_of(column_or_null("occurred_at")) }} as at_time
    from staging.transactions
)

select
    min(at_time) as first_at,
    max(at_time) as last_at
from dated
where at_time < {{ tomorrow | literal }}
