-- A department's rows down to the last customer in the budget, the control group in between included.
select
    {{ department | literal }} as department,
    v.customer_id,
    v.score,
    v.rank,
    v.in_budget,
    v.arm,
    v.rules_matched,
    v.reasons,
    v.nearest_missed,
    v.as_of,
    v.run_id
from targeting.{{ view | ident }} as v
where v.rank <= (select max(w.rank) from targeting.{{ view | ident }} as w where w.in_budget)
