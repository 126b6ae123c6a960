-- One department's audience: who resembles its buyers and does not buy there yet. One row a customer.
{# Every $name is replaced by a syntax tree that segwarehouse/rules/compile.py builds from the card. -#}
WITH members AS (
  -- who satisfies at least one rule, and which: one column of 0 and 1 a rule
  SELECT
    customer_id,
    $activity AS activity,
    $rules
  FROM features.customers AS f
  WHERE
    NOT EXISTS (
      SELECT 1
      FROM features.department_counts AS bought
      WHERE bought.customer_id = f.customer_id AND bought.department_key = $department_key
    )
    AND ($membership)
),
scored AS (
  -- what each member gets, and why
  SELECT
    customer_id,
    activity,
    $points AS points,
    $arm AS arm,
    $rules_matched AS rules_matched,
    $reasons AS reasons,
    $nearest_missed AS nearest_missed
  FROM members
),
ranked AS (
  -- the budget counts the target arm only: the control group is never contacted
  SELECT
    customer_id,
    activity,
    points,
    arm,
    rules_matched,
    reasons,
    nearest_missed,
    ROW_NUMBER() OVER (ORDER BY points DESC, activity DESC, customer_id) AS rank,
    ROW_NUMBER() OVER (PARTITION BY arm ORDER BY points DESC, activity DESC, customer_id) AS rank_in_arm
  FROM scored
)
SELECT
  customer_id,
  $score AS score,
  rank,
  arm = 'target' AND rank_in_arm <= $budget AS in_budget,
  arm,
  rules_matched,
  reasons,
  nearest_missed,
  $as_of AS as_of,
  $run_id AS run_id
FROM ranked
