-- Text messages: codes of verification have a share of the day of their own, and questions by text a bound of their own.

-- Codes of verification among the text messages of that day.
alter table post_pace add column codes integer not null default 0 check (codes >= 0);

-- Asked by text message.
alter table contact_questions add column is_text boolean not null default false;
