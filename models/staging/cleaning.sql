-- materialized: table
-- description: How many transaction lines were kept, and how many were left out for which reason. A kept duplicate equals
-- description: another line in every column.
-- unique: reason
{%- set copied = "duplicate" if cleaning.duplicates == "drop" else "kept duplicate" %}
with judged as (
    select coalesce(drop_reason, case when is_amount_unknown then 'kept without amount' else 'kept' end) as reason
    from staging.lines
),

repeated as (
    select
        case when is_amount_unknown = 1 then 'kept without amount' else 'kept' end as reason,
        copy_count - 1 as line_count
    from staging.copies
),

counted as (
    select
        reason,
        count(*) as line_count
    from judged
    group by reason
    union all
    select
        reason,
        -line_count as line_count
    from repeated
    union all
    select
        {{ copied | literal }} as reason,
        line_count
    from repeated
)

select
    reason,  -- @not_null
    cast(sum(line_count) as bigint) as line_count  -- @not_null
from counted
group by reason
