-- materialized: table
-- description: How the number of personas and of mixture components was chosen.
select
    department_key,
    department,
    kind,
    number,
    silhouette,
    stability,  -- adjusted Rand index between refits; NULL for one component
    bic,  -- of the mixture; NULL for personas
    is_chosen
from learned.cluster_scores
