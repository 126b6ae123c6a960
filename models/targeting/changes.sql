-- materialized: table
-- description: Who entered and who left the audience of a department since the last published run, and why.
-- unique: department, change, customer_id
select
    department,  -- @not_null
    customer_id,
    change,  -- @not_null @in('entered', 'left')
    cause,  -- @not_null @in('data', 'rules', 'budget') the last of the three that moved this customer over the line
    reason  -- @not_null
from learned.changes
