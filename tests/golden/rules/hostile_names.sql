/* One department's audience: who resembles its buyers and does not buy there yet. One row a customer. */
WITH "members" AS (
  /* who satisfies at least one rule, and which: one column of 0 and 1 a rule */
  SELECT
    "customer_id",
    -3 * CAST(FLOOR(CASE WHEN "activity" >= 0 AND "activity" <= 1000000 THEN "activity" ELSE 0 END) AS BIGINT) + 2 * CAST(FLOOR(
      CASE
        WHEN "customer id" >= 0 AND "customer id" <= 1000000
        THEN "customer id"
        ELSE 0
      END
    ) AS BIGINT) AS "activity",
    CASE WHEN "r1" >= 0.1e0 AND "activity" < 2 THEN 1 ELSE 0 END AS "r1",
    CASE WHEN "points" >= -3 AND "f" < 1e+22 THEN 1 ELSE 0 END AS "r2",
    CASE WHEN """; DROP TABLE x; --" >= 9007199254740991 THEN 1 ELSE 0 END AS "r3",
    CASE WHEN "select" < -0.5e0 AND "漢字 🙂" >= 5e-324 THEN 1 ELSE 0 END AS "r4",
    CASE
      WHEN "bought" >= 9007199254740992e0 AND "rank" < 1.7976931348623157e+308
      THEN 1
      ELSE 0
    END AS "r5"
  FROM "features"."customers" AS "f"
  WHERE
    NOT EXISTS(
      SELECT
        1
      FROM "features"."department_counts" AS "bought"
      WHERE
        "bought"."customer_id" = "f"."customer_id" AND "bought"."department_key" = -2
    )
    AND (
      (
        "r1" >= 0.1e0 AND "activity" < 2
      )
      OR (
        "points" >= -3 AND "f" < 1e+22
      )
      OR """; DROP TABLE x; --" >= 9007199254740991
      OR (
        "select" < -0.5e0 AND "漢字 🙂" >= 5e-324
      )
      OR (
        "bought" >= 9007199254740992e0 AND "rank" < 1.7976931348623157e+308
      )
    )
), "scored" AS (
  /* what each member gets, and why */
  SELECT
    "customer_id",
    "activity",
    CAST(CASE
      WHEN "activity" < -993
      THEN 0
      WHEN "activity" >= -923
      THEN 11
      ELSE CAST(FLOOR(CAST("activity" + 1000 AS DOUBLE) / 7) AS BIGINT)
    END + CASE WHEN "r1" = 1 THEN 5 ELSE 0 END + CASE WHEN "r2" = 1 THEN 1 ELSE 0 END + CASE WHEN "r3" = 1 THEN 3 ELSE 0 END + CASE WHEN "r4" = 1 THEN 2 ELSE 0 END + CASE WHEN "r5" = 1 THEN 2 ELSE 0 END AS BIGINT) AS "points",
    CASE
      WHEN SUBSTRING(MD5('it''s; -- ''\:' || CAST("customer_id" AS TEXT)), 1, 8) < '40000000'
      THEN 'control'
      ELSE 'target'
    END AS "arm",
    SUBSTRING(
      CASE WHEN "r1" = 1 THEN ', R1' ELSE '' END || CASE WHEN "r2" = 1 THEN ', R2' ELSE '' END || CASE WHEN "r3" = 1 THEN ', R3' ELSE '' END || CASE WHEN "r4" = 1 THEN ', R4' ELSE '' END || CASE WHEN "r5" = 1 THEN ', R5' ELSE '' END,
      3
    ) AS "rules_matched",
    SUBSTRING(
      CASE
        WHEN "r1" = 1
        THEN '; r1 is 0.1 or more and it''s "activity" is less than 2'
        ELSE ''
      END || CASE
        WHEN "r3" = 1
        THEN '; bought 9,007,199,254,740,991 or more times in ''; DROP TABLE x; -- \ /* */ ; {n}'
        ELSE ''
      END || CASE
        WHEN "r4" = 1
        THEN '; select is less than -0.5 and 漢字 🙂 is 5e-324 or more'
        ELSE ''
      END || CASE
        WHEN "r5" = 1 AND "r1" + "r3" + "r4" < 3
        THEN '; bought is 9,007,199,254,740,992 or more and rank is less than 1.7976931348623157e+308'
        ELSE ''
      END || CASE
        WHEN "r2" = 1 AND "r1" + "r3" + "r4" + "r5" < 3
        THEN '; points is -3 or more and f is less than 1e+22'
        ELSE ''
      END,
      3
    ) AS "reasons",
    CASE
      WHEN "r1" = 0
      THEN 'r1 is 0.1 or more and it''s "activity" is less than 2'
      WHEN "r3" = 0
      THEN 'bought 9,007,199,254,740,991 or more times in ''; DROP TABLE x; -- \ /* */ ; {n}'
      WHEN "r4" = 0
      THEN 'select is less than -0.5 and 漢字 🙂 is 5e-324 or more'
      WHEN "r5" = 0
      THEN 'bought is 9,007,199,254,740,992 or more and rank is less than 1.7976931348623157e+308'
      WHEN "r2" = 0
      THEN 'points is -3 or more and f is less than 1e+22'
    END AS "nearest_missed"
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
  CASE
    WHEN "points" < 1
    THEN 0e0
    WHEN "points" < 2
    THEN 5e-324
    WHEN "points" < 3
    THEN 0.1e0
    WHEN "points" < 4
    THEN 0.30000000000000004e0
    ELSE 1e0
  END AS "score",
  "rank",
  "arm" = 'target' AND "rank_in_arm" <= 40 AS "in_budget",
  "arm",
  "rules_matched",
  "reasons",
  "nearest_missed",
  CAST('2026-10-01' AS DATE) AS "as_of",
  'l''été' AS "run_id"
FROM "ranked"
