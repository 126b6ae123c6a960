/* One department's audience: who resembles its buyers and does not buy there yet. One row a customer. */
WITH "members" AS (
  /* who satisfies at least one rule, and which: one column of 0 and 1 a rule */
  SELECT
    "customer_id",
    1 * CAST(FLOOR(
      CASE
        WHEN "breadth_log" >= 0 AND "breadth_log" <= 1000000
        THEN "breadth_log"
        ELSE 0
      END
    ) AS BIGINT) AS "activity"
  FROM "features"."customers" AS "f"
  WHERE
    NOT EXISTS(
      SELECT
        1
      FROM "features"."department_counts" AS "bought"
      WHERE
        "bought"."customer_id" = "f"."customer_id" AND "bought"."department_key" = 3
    )
    AND (
      FALSE
    )
), "scored" AS (
  /* what each member gets, and why */
  SELECT
    "customer_id",
    "activity",
    CAST(CASE
      WHEN "activity" < 1
      THEN 0
      WHEN "activity" >= 3
      THEN 3
      ELSE CAST(FLOOR(CAST("activity" - 0 AS DOUBLE) / 1) AS BIGINT)
    END AS BIGINT) AS "points",
    CASE
      WHEN SUBSTRING(MD5('s:' || CAST("customer_id" AS TEXT)), 1, 8) < '80000000'
      THEN 'control'
      ELSE 'target'
    END AS "arm",
    '' AS "rules_matched",
    '' AS "reasons",
    CAST(NULL AS TEXT) AS "nearest_missed"
  FROM "members"
), "ranked" AS (
  /* the budget counts the target arm only: the control group is never contacted */
  SELECT
    "customer_id",
    "activity",
    "points",
    "arm",
    "rules_matched",
    "reasons",
    "nearest_missed",
    ROW_NUMBER() OVER (ORDER BY "points" DESC, "activity" DESC, "customer_id") AS "rank",
    ROW_NUMBER() OVER (PARTITION BY "arm" ORDER BY "points" DESC, "activity" DESC, "customer_id") AS "rank_in_arm"
  FROM "scored"
)
SELECT
  "customer_id",
  0.5e0 AS "score",
  "rank",
  "arm" = 'target' AND "rank_in_arm" <= 0 AS "in_budget",
  "arm",
  "rules_matched",
  "reasons",
  "nearest_missed",
  CAST('2026-10-01' AS DATE) AS "as_of",
  'none' AS "run_id"
FROM "ranked"
