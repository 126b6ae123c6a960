delete from history.relations
where schema_name in ({{ schemas | literals }});

insert into history.relations (schema_name, relation_name)
select distinct
    table_schema,
    table_name
from information_schema.tables
where
    table_catalog = current_database()
    and table_schema in ({{ schemas | literals }});
