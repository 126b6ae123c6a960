-- The runs that were published and whose details are still there, the latest first.
select r.run_id
from history.runs as r
where
    r.status in ('running', 'published')
    and exists (select 1 from history.cards as c where c.run_id = r.run_id)
order by r.run_id desc
