-- materialized: table
-- description: What each column of features.customers means.
select
    name,  -- @not_null @unique
    kind,
    phrase,
    unit,
    subject,
    recent_days
from learned.features
