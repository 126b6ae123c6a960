-- What runs were configured with and how they ended: the texts of the log that may hold a password.
select
    run_id,
    settings,
    message
from history.runs
