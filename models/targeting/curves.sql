-- materialized: table
-- description: How good every ranking of the candidates was along the whole budget, on average over the cut-offs: from 1
-- description: percent of the candidates to all of them, the budget among them, where it says what targeting.evaluation
-- description: says. Contacts and buyers are counted on the candidates of today, the control group left out. _low and
-- description: _high bound the 95 percent interval.
-- unique: department_key, ranking, contacts
select
    department_key,
    department,
    ranking,
    share,
    contacts,
    expected_buyers,
    expected_buyers_low,
    expected_buyers_high,
    precision,
    precision_low,
    precision_high,
    recall,
    recall_low,
    recall_high,
    lift,
    lift_low,
    lift_high
from learned.curves
