-- Each line of the list of contacts once, with the id written as the transactions have it, where it can be.
select distinct
    coalesce(cast(try_cast(trim(customer_id) as {{ id_type | datatype }}) as varchar), trim(customer_id)) as customer_id,
    case when trim(department) <> '' then department end as department,
    nullif(trim(contacted_at), '') as contacted_text,
    coalesce(try_cast(trim(contacted_at) as timestamp), {{ since | literal }}) as contacted_at
from source.contacted
where trim(customer_id) <> ''
