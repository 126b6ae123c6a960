-- What the run is compared with, and what it keeps of that.
update history.runs
set
    compared_with = {{ compared_with | literal }},
    departments_kept = {{ departments_kept | literal }},
    message = {{ message | literal }}
where run_id = {{ run_id | literal }};
