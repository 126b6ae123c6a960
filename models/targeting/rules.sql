-- materialized: table
-- description: One row a rule: in words, in SQL, its points, and how it does. learned_ columns are on the customers
-- description: and the time that the rule was learned from; they describe it and prove nothing. held_out_ columns are on
-- description: the candidates of the evaluation's cut-off, in the outcome window that followed, with 95 percent intervals;
-- description: they are NULL for a rule that was not on the card that was learned at that time.
-- unique: department_key, rule
select
    r.department_key,  -- @not_null
    r.department,  -- @not_null
    r.rule,  -- @not_null
    r.position,
    r.words,  -- @not_null
    r.condition_sql,  -- @not_null
    r.points,  -- @not_null @between(1, 1000000)
    r.sign,
    r.condition_count,
    r.frequency,
    r.support,
    r.candidates,
    r.unique_candidates,
    r.importance,
    r.learned_precision,
    r.learned_recall,
    r.learned_lift,
    e.precision as held_out_precision,  -- share of the candidates who satisfied it that bought in the outcome window
    e.precision_low as held_out_precision_low,
    e.precision_high as held_out_precision_high,
    e.recall as held_out_recall,  -- share of those who bought that satisfied it
    e.lift as held_out_lift,  -- held_out_precision over the share of buyers among all candidates
    e.lift_low as held_out_lift_low,
    e.lift_high as held_out_lift_high,
    e.unique_coverage as held_out_unique_coverage  -- share of candidates that satisfied it and no other rule
from learned.rules as r
left join learned.evaluated_rules as e
    on e.department_key = r.department_key and e.condition_sql = r.condition_sql
