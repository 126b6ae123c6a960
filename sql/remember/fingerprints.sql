-- A hash of every transaction line that counts, summed: the order of the lines does not matter, anything else does.
-- Texts stand with their length before them, so that no two lines read the same. Of each line's MD5, 32 bits go into
-- each of two sums, so that a sum over two thousand million lines stays within 63 bits on every engine.
with lines as (
    select
        customer_id,
        department,
        occurred_at,
        purchase_id,
        try_cast(quantity as decimal(28, 4)) as quantity,
        amount,
        category
    from staging.purchases
),

digested as (
    select
        customer_id,
        department,
        occurred_at,
        quantity,
        amount,
        md5(
            {%- for name in ("customer_id", "department", "occurred_at", "purchase_id", "quantity", "amount", "category") %}
            coalesce(
                cast(length(cast({{ name | ident }} as varchar)) as varchar) || ':' || cast({{ name | ident }} as varchar),
                '-'
            ){% if not loop.last %} || {% endif %}
            {%- endfor %}
        ) as digest
    from lines
),

halves as (
    select
        customer_id,
        department,
        occurred_at,
        quantity,
        amount,
        {%- for half in (1, 9) %}
        cast(
            {%- for place in range(8) %}
            (strpos('0123456789abcdef', substr(digest, {{ (half + place) | literal }}, 1)) - 1)
            * {{ (16 ** (7 - place)) | literal }}{% if not loop.last %} + {% endif %}
            {%- endfor %} as bigint
        ) as {{ ("bits_from_" ~ half) | ident }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from digested
)

select
    {{ run_id | literal }} as run_id,
    count(*) as line_count,
    count(distinct customer_id) as customer_count,
    count(distinct department) as department_count,
    min(occurred_at) as first_at,
    max(occurred_at) as last_at,
    sum(amount) as amount,
    sum(quantity) as quantity,
    cast(coalesce(sum(bits_from_1), 0) as varchar) || '-' || cast(coalesce(sum(bits_from_9), 0) as varchar) as line_hash
from halves
