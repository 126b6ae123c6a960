-- materialized: view
-- description: The user's transactions, under the names that segwarehouse uses. A project may hold a file of this name
-- description: of its own, to join or to filter; it needs customer_id and department, and may have the others. Lines are
-- description: copies of each other where row_hash is equal, or without it, all columns that such a file hands on.
with given as (
    -- times and numbers that are texts, as the configuration says that they are written
    select
        {{ column.customer_id | ident }} as customer_id,
        {%- for name in ("transaction_id", "category", "channel", "discount", "is_promotion") if column[name] %}
        {{ column[name] | ident }} as {{ name | ident }},
        {%- endfor %}
        -- by all columns of the source, those that play no part included: lines that differ in one are no copies
        {{ source_columns | row_hash }} as row_hash,
        {%- if column.occurred_at and "occurred_at" in written and written.occurred_at in unix_formats %}
        coalesce(
            cast(
                case
                    -- to the year 2100: a number beyond the engine's times would stop the run
                    when try_cast({{ column.occurred_at | ident }} as double) * {{ unix_formats[written.occurred_at] | literal }}
                        between 0 and 4102444800000
                        then epoch_ms(
                            cast(
                                try_cast({{ column.occurred_at | ident }} as double) * {{ unix_formats[written.occurred_at] | literal }}
                                as bigint
                            )
                        )
                end
                as varchar
            ),
            cast({{ column.occurred_at | ident }} as varchar)
        ) as occurred_at,
        {%- elif column.occurred_at and "occurred_at" in written %}
        coalesce(
            cast(
                try_strptime(trim(cast({{ column.occurred_at | ident }} as varchar)), {{ written.occurred_at | literal }})
                as varchar
            ),
            cast({{ column.occurred_at | ident }} as varchar)
        ) as occurred_at,
        {%- elif column.occurred_at %}
        {{ column.occurred_at | ident }} as occurred_at,
        {%- endif %}
        {%- for name in ("quantity", "amount", "unit_price") if column[name] %}
        {%- if name in written %}
        replace(replace(trim(cast({{ column[name] | ident }} as varchar)), '.', ''), ',', '.') as {{ name | ident }},
        {%- else %}
        {{ column[name] | ident }} as {{ name | ident }},
        {%- endif %}
        {%- endfor %}
        {{ column.department | ident }} as department
    from source.transactions
)

select
    customer_id,
    row_hash,
    {%- for name in ("transaction_id", "category", "channel", "discount", "is_promotion", "occurred_at", "quantity", "amount") if column[name] %}
    {{ name | ident }},
    {%- endfor %}
    {%- if column.unit_price %}
    -- a price that is no number stays as it is, to be counted as unusable
    coalesce(
        cast(try_cast(quantity as decimal(18, 4)) * try_cast(unit_price as decimal(18, 4)) as varchar),
        cast(unit_price as varchar)
    ) as amount,
    {%- endif %}
    department
from given
