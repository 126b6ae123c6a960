/* One department's audience: who resembles its buyers and does not buy there yet. One row a customer. */
WITH "members" AS (
  /* who satisfies at least one rule, and which: one column of 0 and 1 a rule */
  SELECT
    "customer_id",
    CAST(0 AS BIGINT) AS "activity",
    CASE WHEN "recency_days" < 7 THEN 1 ELSE 0 END AS "r1"
  FROM "features"."customers" AS "f"
  WHERE
    NOT EXISTS(
      SELECT
        1
      FROM "features"."department_counts" AS "bought"
      WHERE
        "bought"."customer_id" = "f"."customer_id" AND "bought"."department_key" = 1
    )
    AND (
      "recency_days" < 7
    )
), "scored" AS (
  /* what each member gets, and why */
  SELECT
    "customer_id",
    "activity",
    CAST(0 + CASE WHEN "r1" = 1 THEN 1 ELSE 0 END AS BIGINT) AS "points",
    CASE
      WHEN SUBSTRING(MD5(':' || CAST("customer_id" AS TEXT)), 1, 8) < '00000000'
      THEN 'control'
      ELSE 'target'
    END AS "arm",
    SUBSTRING(CASE WHEN "r1" = 1 THEN ', R1' ELSE '' END, 3) AS "rules_matched",
    SUBSTRING(CASE WHEN "r1" = 1 THEN '; last purchase less than 7 days ago' ELSE '' END, 3) AS "reasons",
    CASE WHEN "r1" = 0 THEN 'last purchase less than 7 days ago' END AS "nearest_missed"
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
  CASE WHEN "points" < 1 THEN 0.03e0 ELSE 0.3e0 END AS "score",
  "rank",
  "arm" = 'target' AND "rank_in_arm" <= 10 AS "in_budget",
  "arm",
  "rules_matched",
  "reasons",
  "nearest_missed",
  CAST('2026-10-01' AS DATE) AS "as_of",
  'first' AS "run_id"
FROM "ranked"
