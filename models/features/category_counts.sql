-- materialized: table
-- description: Customer x category x department counts, long, of the categories that have a feature.
-- unique: customer_id, category_key, department_key
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
    where
        {% if categories %}c.category_key in ({{ category_keys | literals }}){% else %}false{% endif %}
        {%- if has.occurred_at %}
        and p.occurred_at < {{ cutoff | literal }}
        {%- endif %}
),

bought as (
    select customer_id, purchase_id, category_key, department_key
    from lines
    group by customer_id, purchase_id, category_key, department_key
),

marked as (
    select
        customer_id,
        category_key,
        department_key,
        case when count(*) over (partition by customer_id, purchase_id, category_key) = 1 then 1 else 0 end as is_solo,
        case
            when row_number() over (partition by customer_id, purchase_id, category_key order by department_key) = 1
                then 1
            else 0
        end as is_first
    from bought
)

select
    customer_id,  -- @not_null
    category_key,  -- @not_null
    department_key,  -- @not_null
    cast(sum(is_first) as bigint) as first_purchase_count,  -- @not_null each purchase in the category counts for one department
    cast(sum(is_solo) as bigint) as solo_purchase_count  -- @not_null purchases in the category in this department alone
from marked
group by customer_id, category_key, department_key
