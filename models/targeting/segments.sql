-- materialized: table
-- description: Groups of customers as seen from each department: personas (clusters of what drives the classifier) and
-- description: components of the mixture of its buyers. They explain; they select nobody.
-- unique: department_key, kind, segment_id
select
    department_key,
    department,
    kind,  -- @in('persona', 'mixture')
    segment_id,
    name,
    size,
    weight,
    buyer_share,
    lift,
    drivers,
    typical,
    since
from learned.segments
