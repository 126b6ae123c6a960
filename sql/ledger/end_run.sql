update history.runs
set
    status = {{ status | literal }},
    finished_at = {{ finished_at | literal }},
    message = coalesce({{ message | literal }}, message)
where run_id = {{ run_id | literal }};
