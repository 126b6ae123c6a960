-- materialized: table
-- description: How many transaction lines were kept, and how many were left out for which reason.
-- unique: reason
with judged as (
    select coalesce(drop_reason, case when is_amount_unknown then 'kept without amount' else 'kept' end) as reason
    from staging.lines
)

select
    reason,  -- @not_null
    count(*) as line_count  -- @not_null
from judged
group by reason
