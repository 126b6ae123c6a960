-- materialized: table
-- description: One row a department: how much of its card and of its audience stays when it is learned again, classifier
-- description: and all, from 63 percent of the customers. 1 is all of it, 0 is nothing.
-- unique: department_key
select
    department_key,  -- @not_null
    department,  -- @not_null
    refit_count,  -- @not_null how often it was learned again
    audience_jaccard,  -- customers within the budget that the card and a refit share, of those that either has; mean
    audience_jaccard_lowest,  -- the same for the refit that is least alike
    rule_overlap,  -- the same for what the rules read, features with a direction; mean
    is_kept  -- 1 where the former rules are kept, since new ones are not better beyond chance
from learned.stability
