-- materialized: table
-- description: Pearson correlation of every pair of features over the customers that were learned from.
-- unique: feature, other_feature
select
    feature,
    other_feature,
    correlation
from learned.correlations
