-- materialized: table
-- description: The mixture of each department's buyers on the customers map: weights, centres and covariances.
-- unique: department_key, component
select
    department_key,
    department,
    component,
    weight,
    mean_x,
    mean_y,
    covariance_xx,
    covariance_xy,
    covariance_yy
from learned.mixtures
