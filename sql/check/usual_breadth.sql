-- In how many departments most customers have bought, and how many customers that is.
with breadths as (
    select
        customer_id,
        count(distinct department) as department_count
    from staging.purchases
    group by customer_id
)

select
    department_count,
    count(*) as customer_count
from breadths
group by department_count
order by customer_count desc, department_count
limit 1
