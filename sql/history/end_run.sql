update history.runs
set
    status = {{ status | literal }},
    finished_at = {{ finished_at | literal }},
    message = {{ message | literal }}
where run_id = {{ run_id | literal }};
