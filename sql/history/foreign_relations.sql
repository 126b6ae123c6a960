-- What is in the schemas of segwarehouse and was not made by it.
select
    t.table_schema as schema_name,
    t.table_name as relation_name
from information_schema.tables as t
where
    t.table_catalog = current_database()
    and t.table_schema in ({{ schemas | literals }})
{% if is_registered %}
    and not exists (
        select 1
        from history.relations as r
        where r.schema_name = t.table_schema and r.relation_name = t.table_name
    )
{% endif %}
order by 1, 2
