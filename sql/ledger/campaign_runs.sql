-- The runs whose audiences are kept, the latest first.
select r.run_id, r.as_of, r.settings
from history.runs as r
where
    r.status = 'published'
    and exists (select 1 from history.memberships as m where m.run_id = r.run_id)
order by r.run_id desc
