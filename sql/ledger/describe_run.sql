-- What is known of a run before it is published.
update history.runs
set
    as_of = {{ as_of | literal }},
    protocol = {{ protocol | literal }},
    departments_published = {{ departments_published | literal }},
    departments_refused = {{ departments_refused | literal }},
    lines_kept = {{ lines_kept | literal }},
    lines_left_out = {{ lines_left_out | literal }},
    customers = {{ customers | literal }}
where run_id = {{ run_id | literal }};
