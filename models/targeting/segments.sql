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
    size,  -- customers of the mapped sample
    weight,  -- share of the buyers; of a component only
    buyer_share,
    lift,
    drivers,  -- what tells it from other customers; a component: from other buyers
    typical,  -- medians of the drivers over its customers; a component: over its buyers
    since  -- as of which day it was first found; its id is the same from then on
from learned.segments
