-- The cards that are about to be published.
select
    {{ run_id | literal }} as run_id,
    c.department,
    c.view_name,
    p.origin,
    c.budget,
    c.control_share,
    c.salt,
    c.card,
    c.words
from learned.cards as c
inner join learned.compared as p on p.department = c.department
