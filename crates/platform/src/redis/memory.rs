use super::{InfoText, Redis, RedisAway};

impl Redis {
    /// Returns the memory that the server uses, or all servers of a cluster together, in bytes. A refusal says nothing about
    /// whether Redis is well.
    pub async fn memory(&self) -> Result<u64, RedisAway> {
        let mut connection = self.link();
        let mut info = redis::cmd("INFO");
        info.arg("memory");
        let info = self.bounded("INFO", async move { info.query_async::<InfoText>(&mut connection).await }).await?;
        used_memory(&info.0).ok_or_else(|| RedisAway("INFO reports no used_memory".to_owned()))
    }
}

/// Returns the sum of `used_memory` in the answers to `INFO`; `None` without any.
fn used_memory(info: &str) -> Option<u64> {
    let of_each = info.lines().filter_map(|line| line.strip_prefix("used_memory:")?.trim().parse::<u64>().ok());
    of_each.reduce(u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_that_of_all_servers() {
        let one = "# Memory\r\nused_memory:1048576\r\nused_memory_human:1.00M\r\n";
        assert_eq!(used_memory(one), Some(1_048_576));
        assert_eq!(used_memory(&one.repeat(3)), Some(3_145_728));
        assert_eq!(used_memory("# Memory\r\nused_memory_peak:5\r\n"), None);
    }
}
