/* Fish & Chips: customers who do not buy there yet and resemble those who do. Run 20261001T020000-1a2b3c. */
/* transpiled, not executed: written for bigquery by sqlglot, and run nowhere. Compare it with DuckDB's result first. */
/* It reads features.customers and features.department_counts: copy these two tables of the state. */
CREATE VIEW `targeting`.`fish_chips` AS
/* One department's audience: who resembles its buyers and does not buy there yet. One row a customer. */
WITH `members` AS (
  /* who satisfies at least one rule, and which: one column of 0 and 1 a rule */
  SELECT
    `customer_id`,
    512 * CAST(FLOOR(
      CASE
        WHEN `breadth_log` >= 0 AND `breadth_log` <= 1000000
        THEN `breadth_log`
        ELSE 0
      END
    ) AS INT64) + 180 * CAST(FLOOR(
      CASE WHEN `spend_log` >= 0 AND `spend_log` <= 1000000 THEN `spend_log` ELSE 0 END
    ) AS INT64) - 77 * CAST(FLOOR(
      CASE
        WHEN `recency_log` >= 0 AND `recency_log` <= 1000000
        THEN `recency_log`
        ELSE 0
      END
    ) AS INT64) AS `activity`,
    CASE WHEN `purchases_produce` >= 3 AND `recency_days` < 30 THEN 1 ELSE 0 END AS `r1`,
    CASE WHEN `monetary_amount` >= 250.5e0 THEN 1 ELSE 0 END AS `r2`,
    CASE WHEN `breadth_count` >= 5 AND `breadth_count` < 12 THEN 1 ELSE 0 END AS `r3`,
    CASE WHEN `income_35_49k` >= 1 THEN 1 ELSE 0 END AS `r4`
  FROM `features`.`customers` AS `f`
  WHERE
    NOT EXISTS(
      SELECT
        1
      FROM `features`.`department_counts` AS `bought`
      WHERE
        `bought`.`customer_id` = `f`.`customer_id` AND `bought`.`department_key` = 7
    )
    AND (
      (
        `purchases_produce` >= 3 AND `recency_days` < 30
      )
      OR `monetary_amount` >= 250.5e0
      OR (
        `breadth_count` >= 5 AND `breadth_count` < 12
      )
      OR `income_35_49k` >= 1
    )
), `scored` AS (
  /* what each member gets, and why */
  SELECT
    `customer_id`,
    `activity`,
    CAST(CASE
      WHEN `activity` < 251200
      THEN 0
      WHEN `activity` >= 1501200
      THEN 6
      ELSE CAST(FLOOR(CAST(`activity` - 1200 AS FLOAT64) / 250000) AS INT64)
    END + CASE WHEN `r1` = 1 THEN 4 ELSE 0 END + CASE WHEN `r2` = 1 THEN 3 ELSE 0 END + CASE WHEN `r3` = 1 THEN 2 ELSE 0 END + CASE WHEN `r4` = 1 THEN 1 ELSE 0 END AS INT64) AS `points`,
    CASE
      WHEN SUBSTRING(TO_HEX(MD5('segwarehouse:' || CAST(`customer_id` AS STRING))), 1, 8) < '19999999'
      THEN 'control'
      ELSE 'target'
    END AS `arm`,
    SUBSTRING(
      CASE WHEN `r1` = 1 THEN ', R1' ELSE '' END || CASE WHEN `r2` = 1 THEN ', R2' ELSE '' END || CASE WHEN `r3` = 1 THEN ', R3' ELSE '' END || CASE WHEN `r4` = 1 THEN ', R4' ELSE '' END,
      3
    ) AS `rules_matched`,
    SUBSTRING(
      CASE
        WHEN `r1` = 1
        THEN '; bought 3 or more times in PRODUCE and last purchase less than 30 days ago'
        ELSE ''
      END || CASE WHEN `r2` = 1 THEN '; spent 250.5 or more' ELSE '' END || CASE
        WHEN `r3` = 1
        THEN '; shopped in 5 or more departments and shopped in fewer than 12 departments'
        ELSE ''
      END || CASE WHEN `r4` = 1 AND `r1` + `r2` + `r3` < 3 THEN '; income is 35-49K' ELSE '' END,
      3
    ) AS `reasons`,
    CASE
      WHEN `r1` = 0
      THEN 'bought 3 or more times in PRODUCE and last purchase less than 30 days ago'
      WHEN `r2` = 0
      THEN 'spent 250.5 or more'
      WHEN `r3` = 0
      THEN 'shopped in 5 or more departments and shopped in fewer than 12 departments'
      WHEN `r4` = 0
      THEN 'income is 35-49K'
    END AS `nearest_missed`
  FROM `members`
), `ranked` AS (
  /* the budget counts the target arm only: the control group is never contacted */
  SELECT
    `customer_id`,
    `activity`,
    `points`,
    `arm`,
    `rules_matched`,
    `reasons`,
    `nearest_missed`,
    ROW_NUMBER() OVER (ORDER BY `points` DESC, `activity` DESC, `customer_id` NULLS LAST) AS `rank`,
    ROW_NUMBER() OVER (
      PARTITION BY `arm`
      ORDER BY `points` DESC, `activity` DESC, `customer_id` NULLS LAST
    ) AS `rank_in_arm`
  FROM `scored`
)
SELECT
  `customer_id`,
  CASE
    WHEN `points` < 1
    THEN 0.01e0
    WHEN `points` < 3
    THEN 0.02e0
    WHEN `points` < 5
    THEN 0.05e0
    WHEN `points` < 6
    THEN 0.0725e0
    WHEN `points` < 7
    THEN 0.11e0
    ELSE 0.2e0
  END AS `score`,
  `rank`,
  `arm` = 'target' AND `rank_in_arm` <= 500 AS `in_budget`,
  `arm`,
  `rules_matched`,
  `reasons`,
  `nearest_missed`,
  CAST('2026-10-01' AS DATE) AS `as_of`,
  '20261001T020000-1a2b3c' AS `run_id`
FROM `ranked`;
