-- The airport at which a person usually begins a search, and the UTC date of the last log-in, which administrators see. An airport
-- may be deleted later: no foreign key. A log-in writes its date once a day.
alter table users
    add column home_airport text,
    add column last_login_on date;
