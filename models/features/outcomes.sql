-- materialized: view
-- description: Which sampled customers bought in which department within the outcome window that follows the cut-off.
select distinct
    p.customer_id,
    d.department_key
from staging.purchases as p
inner join staging.departments as d on d.department = p.department
inner join features.sampled as s on s.customer_id = p.customer_id
{%- if has.occurred_at %}
where p.occurred_at >= {{ cutoff | literal }} and p.occurred_at < {{ outcome_until | literal }}
{%- else %}
where false
{%- endif %}
