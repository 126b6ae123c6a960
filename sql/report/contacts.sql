-- Whom to contact in one department, best first. The limit is the budget, and the last thing in the statement.
select
    customer_id,
    score,
    reasons
from targeting.{{ view | ident }}
where arm = 'target'
order by rank
limit {{ budget | literal }}
