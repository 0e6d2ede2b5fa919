//! Tokens of authorizations that are not decided yet, in memory alone: their process can repeat the request as it was.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use loadmaster_kernel::PaymentOperationId;
use secrecy::SecretString;
use tokio::time::Instant;

/// Longest time for which a token is kept.
const KEPT_FOR: Duration = Duration::from_mins(10);
/// Most tokens that are kept.
const MOST: usize = 10_000;

/// The tokens that this process was given. Cheap to clone.
#[derive(Clone, Default)]
pub struct Tokens(Arc<Mutex<HashMap<PaymentOperationId, (SecretString, Instant)>>>);

impl Tokens {
    fn all(&self) -> MutexGuard<'_, HashMap<PaymentOperationId, (SecretString, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn keep(&self, operation: PaymentOperationId, token: SecretString) {
        let mut all = self.all();
        if all.len() < MOST || all.contains_key(&operation) {
            all.insert(operation, (token, Instant::now()));
        }
    }

    pub fn of(&self, operation: PaymentOperationId) -> Option<SecretString> {
        self.all().get(&operation).map(|(token, _)| token.clone())
    }

    pub fn forget(&self, operation: PaymentOperationId) {
        self.all().remove(&operation);
    }

    /// Forgets those that were kept for long enough, and returns the operations of the others.
    pub fn operations(&self) -> Vec<PaymentOperationId> {
        let mut all = self.all();
        all.retain(|_, (_, since)| since.elapsed() < KEPT_FOR);
        all.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use uuid::Uuid;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_is_kept_until_its_operation_is_decided_or_too_old() {
        let (tokens, first, second) = (Tokens::default(), Uuid::from_u128(1).into(), Uuid::from_u128(2).into());
        tokens.keep(first, "tok_a".into());
        tokio::time::advance(KEPT_FOR / 2).await;
        tokens.keep(second, "tok_b".into());
        assert_eq!(tokens.of(first).unwrap().expose_secret(), "tok_a");
        tokio::time::advance(KEPT_FOR / 2).await;
        assert_eq!(tokens.operations(), [second]);
        assert!(tokens.of(first).is_none());
        tokens.forget(second);
        assert!(tokens.of(second).is_none());
    }
}
