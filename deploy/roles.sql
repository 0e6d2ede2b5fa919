-- The role that serves, for docker-compose.yml: run by psql as the owner, who is a superuser there, before `migrate`, which
-- gives the role its rights. It may run again; a changed APP_PASSWORD takes effect.
\set ON_ERROR_STOP on
\getenv password APP_PASSWORD
select 'create role loadmaster_app' where not exists (select from pg_roles where rolname = 'loadmaster_app') \gexec
alter role loadmaster_app
    with login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password :'password';
