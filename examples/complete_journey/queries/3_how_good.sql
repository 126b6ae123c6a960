-- How good: measured on households that did not buy there yet, in the 91 days that the learning never saw.
select
    department,
    candidates,
    judged_contacts as contacts,
    round(expected_buyers, 1) as buyers,
    round(extra_buyers, 1) as more_than_activity,
    round(extra_buyers_low, 1) as more_low,
    round(extra_buyers_high, 1) as more_high,
    round(lift_at_10_percent, 2) as lift,
    verdict_at_budget as at_the_budget,
    verdict as over_all
from targeting.departments
where verdict <> 'refused'
order by extra_buyers_low desc nulls last
