-- materialized: table
-- description: Every transaction line, typed, with the reason why it is left out, if it is. Copies of a line are left to
-- description: staging.purchases: which these are, staging.copies says.
with given as (
    -- nanoseconds with a time zone, as pandas writes them, have no way to a timestamp but through their text
    select
        cast(customer_id as {{ id_type | datatype }}) as customer_id,
        cast(department as varchar) as department,
        {% if has.occurred_at %}cast(occurred_at as varchar){% else %}''{% endif %} as occurred_text,
        {% if has.occurred_at %}coalesce(try_cast(occurred_at as timestamp), try_cast(trim(cast(occurred_at as varchar)) as timestamp)){% else %}cast(null as timestamp){% endif %} as occurred_at,
        {% if has.transaction_id %}cast(transaction_id as varchar){% else %}cast(null as varchar){% endif %} as transaction_id,
        {% if has.quantity %}cast(quantity as varchar){% else %}''{% endif %} as quantity_text,
        {% if has.quantity %}try_cast(quantity as double){% else %}cast(null as double){% endif %} as quantity,
        {% if has.amount %}cast(amount as varchar){% else %}''{% endif %} as amount_text,
        {% if has.amount %}try_cast(amount as decimal(18, 4)){% else %}cast(null as decimal(18, 4)){% endif %} as amount,
        {% if has.category %}nullif(trim(cast(category as varchar)), ''){% else %}cast(null as varchar){% endif %} as category,
        {% if has.channel %}nullif(trim(cast(channel as varchar)), ''){% else %}cast(null as varchar){% endif %} as channel,
        {% if has.discount %}cast(discount as varchar){% else %}''{% endif %} as discount_text,
        {% if has.discount %}abs(try_cast(discount as decimal(18, 4))){% else %}cast(null as decimal(18, 4)){% endif %} as discount,
        {% if has.is_promotion %}coalesce(lower(trim(cast(is_promotion as varchar))), ''){% else %}''{% endif %} as promotion_text,
        {% if has.row_hash %}row_hash{% else %}{{ given_columns | row_hash }}{% endif %} as row_hash
    from staging.transactions
)

select
    customer_id,
    department,
    occurred_at,
    {% if has.transaction_id -%}
    coalesce(transaction_id, cast(cast(occurred_at as date) as varchar), '')
    {%- elif has.occurred_at -%}
    cast(cast(occurred_at as date) as varchar)
    {%- else -%}
    ''
    {%- endif %} as purchase_id,
    quantity,
    coalesce(amount, 0) as amount,
    category,
    channel,
    coalesce(discount, 0) as discount,
    {% if has.is_promotion -%}
    case when promotion_text in ('', '0', '0.0', 'false', 'f', 'no', 'n', 'none', 'nan') then 0 else 1 end
    {%- else -%}
    case when discount > 0 then 1 else 0 end
    {%- endif %} as is_promoted,
    {% if has.amount %}amount_text is null{% else %}false{% endif %} as is_amount_unknown,
    row_hash,  -- equal where two lines are equal in every column
    case
        when customer_id is null or trim(cast(customer_id as varchar)) = '' then 'no customer'
        when department is null or trim(department) = '' then 'no department'
        {%- if has.occurred_at %}
        when occurred_text is null then 'no date'
        when occurred_at is null then 'unreadable date'
        when occurred_at >= {{ as_of | literal }} then 'on or after as_of'
        {%- endif %}
        {%- if has.amount %}
        when amount_text is not null and amount is null then 'unusable amount'
        {%- endif %}
        {%- if has.discount %}
        when discount_text is not null and discount is null then 'unusable discount'
        {%- endif %}
        {%- if has.quantity %}
        when quantity_text is not null and not coalesce(quantity between -1e15 and 1e15, false) then 'unusable quantity'
        {%- if cleaning.returns == "drop" %}
        when quantity < 0 then 'return'
        {%- endif %}
        {%- elif has.amount and cleaning.returns == "drop" %}
        when amount < 0 then 'return'
        {%- endif %}
    end as drop_reason
from given
