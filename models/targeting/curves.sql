-- materialized: table
-- description: How good every ranking of the candidates was along the whole budget, on average over the cut-offs: from 1
-- description: percent of the candidates to all of them, the budget among them, where it says what targeting.evaluation
-- description: says. Contacts and buyers are counted on the candidates of today, the control group left out. _low and
-- description: _high bound the 95 percent interval.
-- unique: department_key, ranking, contacts
select
    department_key,
    department,
    ranking,  -- rules, black box, activity, best single measure, random
    share,  -- of the candidates that are contacted, 0 to 1
    contacts,  -- the same in customers of today, the control group left out
    expected_buyers,  -- of these contacts, going by the past: precision times contacts
    expected_buyers_low,
    expected_buyers_high,
    precision,  -- share of the contacted who bought in the outcome window
    precision_low,
    precision_high,
    recall,  -- and as a share of all candidates who bought
    recall_low,
    recall_high,
    lift,  -- precision over the share of buyers among all candidates
    lift_low,
    lift_high
from learned.curves
