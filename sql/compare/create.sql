-- Each audience of the previous state, as it was and after each of three steps: over the new data, by the new rules,
-- with the new settings of the audience. Ids are text here, since their type may change from run to run.
create schema if not exists learned;

create or replace table learned.audience_steps (
    department varchar not null,
    step bigint not null,
    customer_id varchar not null,
    rank bigint not null,
    points bigint,
    in_budget boolean not null
);
