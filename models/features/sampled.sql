-- materialized: table
-- description: Who is learned from: all customers, or a sample of about learning.max_customers, drawn by a hash of the
-- description: seed and the id. What changes without a department is worked out for them alone.
{%- from 'macros/hashes.sql' import first_bits %}
with counted as (
    select count(*) as customer_count
    from features.customer_totals
),

hashed as (
    select
        customer_id,
        md5({{ ("learn " ~ seed ~ ":") | literal }} || cast(customer_id as varchar)) as digest
    from features.customer_totals
),

drawn as (
    select
        h.customer_id
    from hashed as h
    cross join counted as c
    where
        c.customer_count <= {{ max_customers | literal }}
        or {{ first_bits("digest") }}
        < cast(floor(cast({{ max_customers | literal }} as double) / nullif(c.customer_count, 0) * 4294967296) as bigint)
)

select
    customer_id,  -- @not_null @unique
    row_number() over (order by customer_id) - 1 as place  -- @not_null her place in the order of the ids
from drawn
