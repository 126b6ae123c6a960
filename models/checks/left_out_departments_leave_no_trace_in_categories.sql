-- description: Purchases in a category without a department equal those counted anew from the lines of all other
-- description: departments. A leak of the target department into the categories shows here.
-- Recounted for one department in every {{ leak_stride | literal }} or so, each time other ones, on all of their buyers.
-- needs: category
with lines as (
    select
        p.customer_id,
        {% if has.purchases %}p.purchase_id{% else %}cast(row_number() over (order by p.customer_id, p.department, p.category) as varchar){% endif %} as purchase_id,
        c.category_key,
        d.department_key
    from staging.purchases as p
    inner join staging.departments as d on d.department = p.department
    inner join staging.categories as c on c.category = p.category
    {%- if has.occurred_at %}
    where p.occurred_at < {{ cutoff | literal }}
    {%- endif %}
),

targets as (
    select distinct
        customer_id,
        category_key,
        department_key
    from lines
    where
        department_key % {{ leak_stride | literal }} = {{ leak_offset | literal }}
        and {% if categories %}category_key in ({{ category_keys | literals }}){% else %}false{% endif %}
),

recounted as (
    select
        t.customer_id,
        t.department_key,
        t.category_key,
        count(distinct o.purchase_id) as purchase_count
    from targets as t
    left join lines as o
        on o.customer_id = t.customer_id and o.category_key = t.category_key and o.department_key <> t.department_key
    group by t.customer_id, t.department_key, t.category_key
)

select r.department_key, r.category_key, r.customer_id
from recounted as r
left join features.categories_without as w
    on w.customer_id = r.customer_id and w.department_key = r.department_key and w.category_key = r.category_key
where w.purchase_count is null or w.purchase_count <> r.purchase_count
