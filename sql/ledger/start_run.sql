insert into history.runs (run_id, started_at, status, seed, settings, versions)
values (
    {{ run_id | literal }}, {{ started_at | literal }}, 'running', {{ seed | literal }}, {{ settings | literal }},
    {{ versions | literal }}
);
