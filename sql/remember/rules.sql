-- Their rules.
select
    {{ run_id | literal }} as run_id,
    department,
    rule,
    words,
    condition_sql,
    points,
    support,
    candidates,
    learned_precision,
    learned_lift
from learned.rules
