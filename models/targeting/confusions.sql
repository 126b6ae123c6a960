-- materialized: table
-- description: Confusion matrices of the classifier, out of fold: at natural prevalence, and balanced as the published
-- description: recipe has it.
-- unique: department_key, prior
select
    department_key,
    department,
    prior,  -- @in('natural', 'balanced')
    true_negatives,
    false_positives,
    false_negatives,
    true_positives
from learned.confusions
