-- What every refresh did. It lives in the working database and is copied into each published state.
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
    message varchar
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

-- A run that puts a former state back, instead of publishing a new one.
alter table history.runs add column if not exists restored_run_id varchar;

-- What segwarehouse has made in this database. A schema that holds anything else is never dropped.
create table if not exists history.relations (
    schema_name varchar not null,
    relation_name varchar not null,
    primary key (schema_name, relation_name)
);
