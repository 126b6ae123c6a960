-- Who to contact for seafood: they do not buy it yet, and resemble those who do.
select customer_id, round(score, 3) as score, rules_matched, reasons
from targeting.seafood
where in_budget
order by rank
limit 5
