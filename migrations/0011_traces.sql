-- The trace of what promised a job, so that its span is linked to it: W3C Trace Context, `00-{trace}-{parent}-{flags}`.
-- Null where nobody traced.
alter table jobs add column traceparent text;
