-- materialized: table
-- description: Every run up to this state's, the last first in time: when, on what, and how it ended.
select
    run_id,  -- @not_null @unique
    started_at,
    case when run_id = {{ run_id | literal }} then {{ written_at | literal }} else finished_at end as finished_at,  -- when it ended; of this state's own run, when its tables were written: it was proved and put in place after that
    case when run_id = {{ run_id | literal }} then 'published' else status end as status,
    as_of,
    protocol,
    departments_published,
    departments_refused,
    departments_kept,  -- that keep the rules of the run before, since [gate] held new ones back
    compared_with,  -- the run of the state before
    lines_kept,
    lines_left_out,
    customers,
    seed,
    settings,  -- the configuration, as JSON
    versions,  -- of the libraries, as JSON
    restored_run_id,  -- of a rollback: the run whose state it put back
    message  -- why it failed, or what was held back
from history.runs
