-- Creates the serving role for docker-compose.yml. psql runs it as the owner, who is a superuser there, before `migrate`, which
-- grants the role its rights. It can be repeated; a changed APP_PASSWORD takes effect.
\set ON_ERROR_STOP on
\getenv password APP_PASSWORD
select 'create role loadmaster_app' where not exists (select from pg_roles where rolname = 'loadmaster_app') \gexec
alter role loadmaster_app
    with login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password :'password';
