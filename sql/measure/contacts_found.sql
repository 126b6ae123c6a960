-- What a list of contacts says of a run: one row.
with audience as (
    select
        customer_id,
        department
    from learned.audience
),

known as (
    select cast(customer_id as varchar) as customer_id
    from staging.purchases
    union
    select customer_id
    from audience
),

judged as (
    select
        c.customer_id,
        case when k.customer_id is null then c.customer_id end as unknown_id,
        case when c.contacted_at >= {{ since | literal }} and c.contacted_at < {{ until | literal }} then 1 else 0 end as is_within,
        case
            when c.contacted_text is not null and try_cast(trim(c.contacted_text) as timestamp) is null then 1
            else 0
        end as is_without_time,
        case
            when c.department is not null and c.department not in (select a.department from audience as a) then 1
            else 0
        end as is_elsewhere,
        case
            when exists (
                select 1
                from audience as a
                where a.customer_id = c.customer_id and (c.department is null or c.department = a.department)
            ) then 1
            else 0
        end as is_of_run
    from source.contacts as c
    left join known as k on k.customer_id = c.customer_id
)

select
    count(*) as lines,
    count(distinct customer_id) as customers,
    count(distinct unknown_id) as unknown_customers,
    cast(coalesce(sum(is_within * is_of_run), 0) as bigint) as made,
    cast(coalesce(sum(1 - is_within), 0) as bigint) as outside_window,
    cast(coalesce(sum(is_without_time), 0) as bigint) as without_time,
    cast(coalesce(sum(is_elsewhere), 0) as bigint) as other_departments
from judged
