update history.runs
set
    settings = {{ settings | literal }},
    message = {{ message | literal }}
where run_id = {{ run_id | literal }};
