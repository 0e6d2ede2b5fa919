//! Searches that count as several requests.
use loadmaster_accounts::Principal;
use loadmaster_platform::{
    rate_limit::Verdict,
    web::{ClientAddress, Problem},
};

use super::SearchService;

impl SearchService {
    /// Counts the parts of a search after the first, whose request is counted already, against the quota of the caller.
    /// Returns what is left of it, if there is a limit. `None` as the address: tests call the application without a
    /// connection.
    pub(super) async fn admit(
        &self,
        caller: Option<Principal>,
        address: Option<ClientAddress>,
        parts: usize,
        [one, several]: [&str; 2],
    ) -> Result<Option<Verdict>, Problem> {
        let mut left = None;
        let Some(address) = address else { return Ok(left) };
        for further in (1..parts).rev() {
            let Some(verdict) = self.0.quotas.count(caller, address).await else { return Ok(None) };
            // A search for which it does not suffice is refused at the first: the rest stays for other requests.
            if !verdict.is_admitted || usize::try_from(verdict.remaining).is_ok_and(|left| left + 1 < further) {
                let name = if verdict.limit == 1 { one } else { several };
                return Err(Problem::quota_used_up(verdict, &format!("search {} {name}", verdict.limit)));
            }
            left = Some(verdict);
        }
        Ok(left)
    }
}
