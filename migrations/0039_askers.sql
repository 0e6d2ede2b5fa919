-- How many codes a network address had sent in the last day is counted before another one is sent.
create index one_time_tokens_by_asker on one_time_tokens (asker_hash, purpose, created_at) where asker_hash is not null;
