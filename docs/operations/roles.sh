#!/bin/sh
# The two roles of the service in a new PostgreSQL, made by its superuser, before there are tables. Compose runs it when the volume is made.
#
#   POSTGRES_USER=… POSTGRES_DB=… OWNER_PASSWORD=… SERVICE_PASSWORD=… docs/operations/roles.sh
#
# results_owner    owns the database and makes its tables: db-apply, db-patch, rebuild
# results_service  reads and writes the rows of these tables, also of those that come later, and alters nothing
set -eu
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=owner="$OWNER_PASSWORD" --set=service="$SERVICE_PASSWORD" \
  --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'SQL'
create role results_owner login password :'owner';
create role results_service login password :'service';
alter database :"DBNAME" owner to results_owner;
revoke create on schema public from public;
alter default privileges for role results_owner grant usage on schemas to results_service;
alter default privileges for role results_owner grant select, insert, update, delete on tables to results_service;
alter default privileges for role results_owner grant usage, select on sequences to results_service;
SQL
