-- What the steps of the last published run took, in their order, and how many departments it learned.
select
    s.step,
    s.seconds,
    (
        select count(*)
        from history.cards as c
        where c.run_id = s.run_id and c.origin in ('learned', 'kept')
    ) as learned
from history.run_steps as s
where s.run_id = (select max(r.run_id) from history.runs as r where r.status = 'published')
order by s.position
