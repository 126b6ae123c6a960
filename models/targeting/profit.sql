-- materialized: table
-- description: Expected profit of contacting the best candidates, against not contacting them, along the curve: buyers
-- description: who would buy anyway, times audience.expected_uplift, times audience.value_per_conversion, less
-- description: audience.cost_per_contact for each contact; empty without these. _low and _high bound the 95 percent
-- description: interval of the number of buyers; the uplift is taken as it is set.
-- unique: department_key, share
select
    department_key,
    department,
    share,  -- of the candidates
    contacts,  -- the same in customers of today, the control group left out
    profit,
    profit_low,
    profit_high,
    is_best,  -- 1 where the profit is highest, among the customers in the view's target arm
    best_contacts_low,  -- between this
    best_contacts_high  -- and this number of contacts the best one lies; NULL on other rows
from learned.profit
