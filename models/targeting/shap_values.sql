-- materialized: table
-- description: SHAP values of a sample of customers, out of fold, in log-odds, with the value that each stands for.
select
    department_key,
    department,
    customer_id,
    feature,
    value,
    shap_value,
    base_value
from learned.shap_values
