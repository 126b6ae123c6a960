insert into history.run_steps (run_id, position, step, seconds, detail)
values (
    {{ run_id | literal }}, {{ position | literal }}, {{ step | literal }}, {{ seconds | literal }},
    {{ detail | literal }}
);
