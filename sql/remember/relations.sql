-- What is in these schemas.
select distinct
    table_schema as schema_name,
    table_name as relation_name
from information_schema.tables
where
    table_catalog = current_database()
    and table_schema in ({{ schemas | literals }})
order by 1, 2
