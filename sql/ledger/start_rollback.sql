-- A run that puts a previous state back has that state's extent.
update history.runs
set
    restored_run_id = {{ restored_run_id | literal }},
    as_of = {{ as_of | literal }},
    message = {{ message | literal }}
where run_id = {{ run_id | literal }};
