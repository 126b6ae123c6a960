-- materialized: table
-- description: One row a rule: in words, in SQL, its points, and how it does. learned_ columns are on the customers
-- description: and the time that the rule was learned from; they describe it and prove nothing.
-- unique: department_key, rule
select
    department_key,  -- @not_null
    department,  -- @not_null
    rule,  -- @not_null R1 is the rule with the most points
    position,
    words,  -- @not_null
    condition_sql,  -- @not_null the WHERE clause of this rule alone
    points,  -- @not_null @between(1, 1000000)
    sign,  -- always +: a rule that spoke against buying was turned into its complement
    condition_count,
    support,  -- share of all customers that satisfy it
    candidates,  -- customers who satisfy it and do not buy here yet
    unique_candidates,  -- of these, how many satisfy no other rule
    importance,  -- points times the spread of the rule, as RuleFit has it
    learned_precision,  -- share of buyers among those who satisfy it
    learned_recall,  -- share of buyers who satisfy it
    learned_lift  -- learned_precision over the share of buyers among all
from learned.rules
