-- What runs of feeds keep of their files, and that a file is applied before the end of its run is written.
alter table feed_runs
    -- Rows of the file, of SSIM legs: a later file that has far fewer may be cut. Null if none could be read.
    add column file_rows     bigint,
    -- Legs of SSIM that state another offset from UTC than their airport has.
    add column other_offsets bigint  not null default 0,
    -- What the run found is applied, and its numbers are final: only its end is still to be written.
    add column is_applied    boolean not null default false;
