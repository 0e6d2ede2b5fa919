use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{
    clock::SharedClock,
    postgres::{Database, DbError, PgSession, commit},
    proofs::ProofKey,
    random::{NoRandomness, TokenSource},
    settings::Secrets,
};

/// Keys shared by all instances on one database. Created once, stored in the database.
#[derive(Clone)]
pub struct ServerSecrets {
    /// Seals page cursors.
    pub cursor_key: [u8; 32],
    /// Seals cache entries in Redis.
    pub cache_key: [u8; 32],
    /// Keys the permutation that produces public references, and the digests of addresses.
    pub reference_key: [u8; 32],
    /// Seals what callers are given to prove a right.
    pub proofs: ProofKey,
    /// Encrypts stored secrets where no key is configured.
    pub vault_key: [u8; 32],
    /// Separates this installation's keys in Redis from those of others that use the same Redis.
    pub namespace: String,
}

impl std::fmt::Debug for ServerSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerSecrets(***)")
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error(transparent)]
    Random(#[from] NoRandomness),
    #[error("the secret '{0}' in the database has the wrong length")]
    Damaged(&'static str),
}

impl ServerSecrets {
    /// Reads the keys; the very first instance creates them. Instances that start together agree on one set.
    pub async fn load(
        db: &Database,
        settings: &Secrets,
        clock: &SharedClock,
        tokens: &TokenSource,
    ) -> Result<Self, SecretsError> {
        let mut tx = db.begin().await?;
        let (cursor_key, _) = shared_key(&mut tx, "cursor_key", clock, tokens).await?;
        let (cache_key, _) = shared_key(&mut tx, "cache_key", clock, tokens).await?;
        let (reference_key, mut since) = shared_key(&mut tx, "reference_key", clock, tokens).await?;
        let (vault_key, _) = shared_key(&mut tx, "vault_key", clock, tokens).await?;
        let (namespace, _) = shared_key(&mut tx, "redis_namespace", clock, tokens).await?;
        if settings.key.is_some() {
            // Its value is of no use: its age is.
            (_, since) = shared_key(&mut tx, "proofs_under_secrets_key", clock, tokens).await?;
        }
        commit(tx).await?;
        let namespace = namespace.iter().take(8).fold(0, |word, byte| (word << 8) | u64::from(*byte));
        let proofs = ProofKey::new(&reference_key, settings, since, clock.clone());
        Ok(Self { cursor_key, cache_key, reference_key, proofs, vault_key, namespace: format!("{namespace:016x}") })
    }
}

/// Gives the installation another namespace from its next start on: nothing that Redis has of it is found again, and the
/// messages have another source. Needs the rights of the owner.
pub async fn renew_namespace(owner: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("delete from server_secrets where name = 'redis_namespace'").execute(owner).await.map(drop)
}

/// Returns a key, and when it was made.
async fn shared_key(
    tx: &mut PgSession,
    name: &'static str,
    clock: &SharedClock,
    tokens: &TokenSource,
) -> Result<([u8; 32], DateTime<Utc>), SecretsError> {
    let fresh = tokens.bytes::<32>()?;
    sqlx::query!(
        "insert into server_secrets (name, value, created_at) values ($1, $2, $3) on conflict (name) do nothing",
        name,
        fresh.as_slice(),
        clock.now(),
    )
    .execute(&mut *tx)
    .await
    .map_err(DbError::from)?;
    let found = sqlx::query!("select value, created_at from server_secrets where name = $1", name)
        .fetch_one(tx)
        .await
        .map_err(DbError::from)?;
    Ok((found.value.try_into().map_err(|_| SecretsError::Damaged(name))?, found.created_at))
}
