-- Whom a run wanted contacted, and whom it held back as control: down to the rank of the last customer in the budget.
select
    department,
    customer_id,
    in_budget
from history.memberships
where run_id = {{ run_id | literal }}
