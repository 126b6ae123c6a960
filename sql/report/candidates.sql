-- Who does not buy in one department yet and satisfies a condition: a rule, or all rules of a card joined by OR.
select f.customer_id
from features.customers as f
where
    $condition
    and not exists (
        select 1
        from features.department_counts as bought
        where bought.customer_id = f.customer_id and bought.department_key = {{ department_key | literal }}
    )
