//! What Redis does as a whole: scripts run atomically.

/// The script writes: counting and releasing locks need both scripts and writes.
pub(super) const PROBE_SCRIPT: &str = "return redis.call('SET', KEYS[1], 1, 'EX', 60)";

/// Deletes a key if it has that value: a lock that expired and has a new holder is left alone.
pub(super) const DELETE_IF: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end";

/// Sets a key, unless it has a value that is greater as a text and was set in the last half of its life.
pub(super) const RAISE: &str = "
    local kept = redis.call('GET', KEYS[1])
    if kept and kept > ARGV[1] and 2 * redis.call('PTTL', KEYS[1]) > tonumber(ARGV[2]) then return false end
    return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])";

/// The sliding window of `platform::rate_limit`, as a script, which runs atomically, for any number of callers. A clock
/// behind another process's stays in the window that was begun; a window of a clock that ran ahead expires with its key.
/// Those that wait are granted what is free; in advance at most a sixteenth of the rest. Also reports when another process than
/// the one that asks was last granted some in advance: it may give them back soon.
pub(super) const GRANT: &str = "
    local now, length, process, answers = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], {}
    local window = math.floor(now / length)
    for place, key in ipairs(KEYS) do
        local at = 5 * place - 1
        local limit, waiting, ahead = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
        local back, of = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
        local kept = redis.call('HMGET', key, 'number', 'current', 'previous', 'lender', 'lent', 'lent_before')
        local number, current, previous = tonumber(kept[1] or 0), tonumber(kept[2] or 0), tonumber(kept[3] or 0)
        local lender, lent, lent_before = kept[4] or '', tonumber(kept[5] or 0), tonumber(kept[6] or 0)
        if window == number + 1 then
            number, previous, current = window, current, 0
        elseif window > number then
            number, previous, current = window, 0, 0
        end
        if of == number then
            current = math.max(current - back, 0)
        elseif of == number - 1 then
            previous = math.max(previous - back, 0)
        end
        local elapsed = math.min(math.max(now - number * length, 0), length)
        local free = math.max(math.floor((limit * length - previous * (length - elapsed)) / length) - current, 0)
        local granted = math.min(waiting, free)
        local in_advance = math.min(ahead, math.floor((free - granted) / 16))
        if in_advance > 0 then
            if lender ~= process then lender, lent_before = process, lent end
            lent = now
        end
        granted = granted + in_advance
        current = current + granted
        if granted > 0 or back > 0 then
            redis.call('HSET', key, 'number', number, 'current', current, 'previous', previous,
                'lender', lender, 'lent', lent, 'lent_before', lent_before)
            redis.call('PEXPIRE', key, 2 * length)
        end
        answers[place] = {granted, number, current, previous, lender == process and lent_before or lent}
    end
    return answers";
