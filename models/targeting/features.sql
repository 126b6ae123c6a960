-- materialized: table
-- description: What each column of features.customers means.
select
    name,  -- @not_null @unique
    kind,
    phrase,
    unit,
    subject
from learned.features
