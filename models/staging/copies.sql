-- materialized: table
-- description: Lines that are there several times, equal in every column, and how often. Lines that are left out for
-- description: another reason are none of them.
select
    row_hash,  -- @not_null @unique
    count(*) as copy_count,
    max(case when is_amount_unknown then 1 else 0 end) as is_amount_unknown
from staging.lines
where drop_reason is null
group by row_hash
having count(*) > 1
