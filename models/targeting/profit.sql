-- materialized: table
-- description: Expected profit of contacting the best candidates, along the curve, from audience.cost_per_contact and
-- description: audience.value_per_conversion; empty without them. Purchases that would have been made without a contact
-- description: are counted too: a control group tells how many. _low and _high bound the 95 percent interval.
-- unique: department_key, share
select
    department_key,
    department,
    share,  -- of the candidates
    contacts,
    profit,
    profit_low,
    profit_high,
    is_best,  -- 1 where the profit is highest
    best_contacts_low,  -- between this
    best_contacts_high  -- and this number of contacts the best one lies; NULL on other rows
from learned.profit
