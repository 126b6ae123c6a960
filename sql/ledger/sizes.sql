-- How many customers each department's audience had in two runs; NULL where it had no view.
with views as (
    select
        department,
        max(case when run_id = {{ before | literal }} then 1 else 0 end) as had_view,
        max(case when run_id = {{ after | literal }} then 1 else 0 end) as has_view
    from history.cards
    where run_id in ({{ before | literal }}, {{ after | literal }})
    group by department
),

members as (
    select
        department,
        sum(case when run_id = {{ before | literal }} then 1 else 0 end) as member_count_before,
        sum(case when run_id = {{ after | literal }} then 1 else 0 end) as member_count_after
    from history.memberships
    where in_budget and run_id in ({{ before | literal }}, {{ after | literal }})
    group by department
)

select
    v.department,
    cast(case when v.had_view = 1 then coalesce(m.member_count_before, 0) end as bigint) as size_before,
    cast(case when v.has_view = 1 then coalesce(m.member_count_after, 0) end as bigint) as size_after
from views as v
left join members as m on m.department = v.department
order by v.department
