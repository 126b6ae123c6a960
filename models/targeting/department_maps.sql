-- materialized: table
-- description: Each department's own maps: the same customers placed by what drives the classifier (x, y), with their
-- description: persona, whether they buy here, and how far they are from the nearest centre of its buyers.
-- unique: department_key, customer_id
select
    department_key,
    department,
    customer_id,
    x,
    y,
    segment_id,
    probability,
    is_buyer,
    mixture_component,
    mixture_distance
from learned.department_maps
