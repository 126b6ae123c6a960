-- Details of the runs that are kept no longer. The run log itself stays: it is small.
{% for table in ("cards", "rules", "metrics", "memberships", "changes") -%}
delete from history.{{ table | ident }} where run_id not in ({{ kept | literals }});
{% endfor %}
