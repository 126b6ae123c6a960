-- materialized: table
-- description: How many transaction lines were kept, and how many were left out for which reason.
-- unique: reason
select
    coalesce(drop_reason, 'kept') as reason,  -- @not_null
    count(*) as line_count  -- @not_null
from staging.lines
group by coalesce(drop_reason, 'kept')
