-- materialized: table
-- description: How the number of personas and of mixture components was chosen.
select
    department_key,
    department,
    kind,
    number,
    silhouette,
    stability,
    bic,
    is_chosen
from learned.cluster_scores
