-- Who entered and who left each audience since the previous state, by which of three causes, and why in words.
-- The cause is the last of the steps that moved the customer: without it, she or he would be on the other side. Whoever
-- left in one step and came back in another is in both audiences, or in neither, and has not changed.
create or replace table learned.changes as
with paths as (
    select
        s.department,
        s.customer_id,
        max(case when s.step = 0 then 1 else 0 end) as previously,
        max(case when s.step = 1 then 1 else 0 end) as with_data,
        max(case when s.step = 2 then 1 else 0 end) as with_rules,
        max(case when s.step = 3 then 1 else 0 end) as finally
    from learned.audience_steps as s
    inner join learned.compared as p on p.department = s.department and p.is_compared
    where s.in_budget
    group by s.department, s.customer_id
),

changed as (
    select
        department,
        customer_id,
        case when finally = 1 then 'entered' else 'left' end as change,
        case
            when with_rules <> finally then 'budget'
            when with_data <> with_rules then 'rules'
            else 'data'
        end as cause
    from paths
    where previously <> finally
)

select
    c.department,
    try_cast(c.customer_id as {{ id_type | datatype }}) as customer_id,
    c.customer_id as customer_text,
    c.change,
    c.cause,
    case
        when c.change = 'left' and f.customer_id is null then 'is no longer in the data'
        when c.change = 'left' and b.customer_id is not null then 'has bought in the department'
        when c.cause = 'budget' then p.budget_reason
        when c.cause = 'rules' and c.change = 'entered' then 'ranks higher by new rules'
        when c.cause = 'rules' then 'ranks lower by new rules'
        when p.missing is not null then 'ranks otherwise, since the data no longer has ' || p.missing
        when c.change = 'entered' then 'ranks higher by what customers have bought since, or is new'
        else 'ranks lower by what customers have bought since'
    end as reason
from changed as c
inner join learned.compared as p on p.department = c.department
inner join learned.departments as d on d.department = c.department
left join features.customers as f on cast(f.customer_id as varchar) = c.customer_id
left join features.department_counts as b on b.customer_id = f.customer_id and b.department_key = d.department_key;
