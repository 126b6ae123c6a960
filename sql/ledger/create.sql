-- What every refresh did. Each published state holds a copy of the log.
create schema if not exists history;

create table if not exists history.runs (
    run_id varchar not null primary key,
    started_at timestamp not null,
    finished_at timestamp,
    status varchar not null,
    as_of date,
    seed bigint not null,
    protocol varchar,
    departments_published bigint,
    departments_refused bigint,
    lines_kept bigint,
    lines_left_out bigint,
    customers bigint,
    settings varchar not null,
    versions varchar not null,
    message varchar,
    restored_run_id varchar,
    compared_with varchar,
    departments_kept bigint
);

create table if not exists history.run_steps (
    run_id varchar not null,
    position bigint not null,
    step varchar not null,
    seconds double not null,
    detail varchar,
    primary key (run_id, position)
);

create table if not exists history.cleaning (
    run_id varchar not null,
    reason varchar not null,
    line_count bigint not null,
    primary key (run_id, reason)
);

-- What segwarehouse has made in a working database. A schema that holds anything else is never dropped.
create table if not exists history.relations (
    database_name varchar not null,
    schema_name varchar not null,
    relation_name varchar not null,
    primary key (database_name, schema_name, relation_name)
);

-- What the run read: equal hashes mean equal transactions, in whatever order they came.
create table if not exists history.fingerprints (
    run_id varchar not null primary key,
    line_count bigint not null,
    customer_count bigint not null,
    department_count bigint not null,
    first_at timestamp,
    last_at timestamp,
    amount decimal(38, 4),
    quantity decimal(38, 4),
    line_hash varchar not null
);

-- What was published, department by department: for the runs that are kept.
create table if not exists history.cards (
    run_id varchar not null,
    department varchar not null,
    view_name varchar not null,
    origin varchar not null,
    budget bigint not null,
    control_share double not null,
    salt varchar not null,
    card varchar not null,
    words varchar not null
);

create table if not exists history.rules (
    run_id varchar not null,
    department varchar not null,
    rule varchar not null,
    words varchar not null,
    condition_sql varchar not null,
    points bigint not null,
    support double,
    candidates bigint,
    learned_precision double,
    learned_lift double
);

create table if not exists history.metrics (
    run_id varchar not null,
    department varchar not null,
    buyers bigint,
    candidates bigint,
    selected bigint,
    rule_count bigint,
    condition_count bigint,
    outcome_buyers bigint,
    auc double,
    auc_low double,
    auc_high double,
    lift_at_budget double,
    lift_at_budget_low double,
    lift_at_budget_high double,
    calibration_error double,
    verdict varchar not null,
    remark varchar
);

-- Down to the last customer in the budget, the control group in between included. Ids are text, whatever they were.
create table if not exists history.memberships (
    run_id varchar not null,
    department varchar not null,
    customer_id varchar not null,
    rank bigint not null,
    points bigint not null,
    in_budget boolean not null
);

-- Who entered and who left since the run that this one was compared with, and by which cause.
create table if not exists history.changes (
    run_id varchar not null,
    department varchar not null,
    customer_id varchar not null,
    change varchar not null,
    cause varchar not null,
    reason varchar not null
);
