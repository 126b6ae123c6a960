-- materialized: table
-- description: Each department's card as data: what verify compares the view with.
select
    department_key,  -- @not_null @unique
    department,  -- @not_null
    view_name,  -- @not_null @unique
    budget,
    control_share,
    salt,
    card,  -- @not_null
    words  -- @not_null
from learned.cards
