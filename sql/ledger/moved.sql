-- Who is in the audiences of one run and not in those of another, department by department where both have a view, and
-- why. `path` leads from the one to the other by runs that were compared with each other; a run that is walked against
-- time has its changes turned round. The cause is that of the last change on the path.
with path as (
    {%- for run_id, direction in path %}
    select
        {{ run_id | literal }} as run_id,
        {{ loop.index | literal }} as position,
        {{ direction | literal }} as direction
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

shown as (
    select b.department
    from history.cards as b
    inner join history.cards as a on a.department = b.department and a.run_id = {{ after | literal }}
    where b.run_id = {{ before | literal }}
),

previously as (
    select m.department, m.customer_id
    from history.memberships as m
    inner join shown as s on s.department = m.department
    where m.run_id = {{ before | literal }} and m.in_budget
),

finally as (
    select m.department, m.customer_id
    from history.memberships as m
    inner join shown as s on s.department = m.department
    where m.run_id = {{ after | literal }} and m.in_budget
),

net as (
    select f.department, f.customer_id, 'entered' as change
    from finally as f
    where not exists (
        select 1 from previously as o where o.department = f.department and o.customer_id = f.customer_id
    )
    union all
    select o.department, o.customer_id, 'left' as change
    from previously as o
    where not exists (
        select 1 from finally as f where f.department = o.department and f.customer_id = o.customer_id
    )
),

moves as (
    select
        c.department,
        c.customer_id,
        case
            when p.direction = 1 then c.change
            when c.change = 'entered' then 'left'
            else 'entered'
        end as change,
        c.cause,
        case
            when p.direction = 1 then c.reason
            when c.cause = 'data' then 'the data changed'
            when c.cause = 'rules' then 'the rules changed'
            else 'the budget cut moved'
        end as reason,
        row_number() over (partition by c.department, c.customer_id order by p.position desc) as from_the_end
    from history.changes as c
    inner join path as p on p.run_id = c.run_id
)

select
    n.department,
    n.customer_id,
    n.change,
    coalesce(m.cause, 'unknown') as cause,
    coalesce(m.reason, 'a run in between is not kept, or had no view') as reason
from net as n
left join moves as m
    on m.department = n.department and m.customer_id = n.customer_id and m.change = n.change and m.from_the_end = 1
order by n.department, n.change, n.customer_id
