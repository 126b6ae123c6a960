-- What segwarehouse has made in a working database.
select
    schema_name,
    relation_name
from history.relations
{% if database is not none -%}
where database_name = {{ database | literal }}
{%- endif %}
