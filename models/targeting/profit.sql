-- materialized: table
-- description: Expected profit of contacting the best candidates, against not contacting them, along the curve: buyers
-- description: who would buy anyway, times audience.expected_uplift, times audience.value_per_conversion, less
-- description: audience.cost_per_contact for each contact; empty without these. _low and _high bound the 95 percent
-- description: interval of the number of buyers; the uplift is taken as it is set.
-- unique: department_key, share
select
    department_key,
    department,
    share,
    contacts,
    profit,
    profit_low,
    profit_high,
    is_best,
    best_contacts_low,
    best_contacts_high
from learned.profit
