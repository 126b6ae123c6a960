delete from history.relations
where database_name = {{ database | literal }} and schema_name in ({{ schemas | literals }});
