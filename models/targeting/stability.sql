-- materialized: table
-- description: One row a department: how much of its card and of its audience stays when it is learned again, classifier
-- description: and all, from 63 percent of the customers. 1 is all of it, 0 is nothing.
-- unique: department_key
select
    department_key,  -- @not_null
    department,  -- @not_null
    refit_count,  -- @not_null
    audience_jaccard,
    audience_jaccard_lowest,
    rule_overlap,
    is_kept
from learned.stability
