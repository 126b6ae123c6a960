-- Why: the rules, in words and as the WHERE clause that selects by them.
select rule, points, words, condition_sql
from targeting.rules
where department = 'SEAFOOD'
order by position
