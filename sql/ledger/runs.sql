-- Every run, the latest first: what the log knows, what was read, and whether it can still be compared.
select
    r.*,
    f.line_hash as data_hash,
    f.line_count as data_lines,
    f.first_at as data_from,
    f.last_at as data_until,
    exists (select 1 from history.cards as c where c.run_id = r.run_id) as is_comparable
from history.runs as r
left join history.fingerprints as f on f.run_id = r.run_id
order by r.run_id desc
