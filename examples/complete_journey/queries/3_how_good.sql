-- How good: measured on households that did not buy there yet, in the 91 days that the learning never saw.
select
    department,
    candidates,
    outcome_buyers,
    round(lift_at_10_percent, 2) as lift,
    round(lift_at_10_percent_low, 2) as lift_low,
    round(lift_at_10_percent_high, 2) as lift_high,
    round(activity_lift_at_10_percent, 2) as activity_lift,
    verdict
from targeting.departments
where verdict <> 'refused'
order by lift desc
