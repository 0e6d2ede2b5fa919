use chrono::{DateTime, Utc};
use loadmaster_kernel::{OrganizationId, UserId};
use loadmaster_platform::{
    listing::{Anchor, CountParams, Listed},
    postgres::{Database, DbError, PgSession},
    web::{PageRequest, Raw},
};

use super::{
    model::{Email, ManagedUser, Principal, Role, User, UserFilter, UserSort},
    repository,
};

use crate::error::AccountError;

/// Gives guests an account without address and password, and an organization, by the ids of their tokens; those that have
/// one keep it. Joins the caller's transaction.
pub async fn admit_guests_in_tx(
    tx: &mut PgSession,
    guests: &[(UserId, OrganizationId)],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    Ok(repository::admit_guests(tx, guests, now).await?)
}

/// Reads users. Cheap to clone.
#[derive(Clone)]
pub struct UserService {
    db: Database,
}

impl UserService {
    pub(crate) fn new(db: Database) -> Self {
        Self { db }
    }

    /// The account of the caller.
    pub(crate) async fn caller(&self, caller: Principal) -> Result<User, AccountError> {
        let account = repository::account_by_id(&mut *self.db.read().await?, caller.user_id).await?;
        account.map(|account| account.user).ok_or(AccountError::NoAccount)
    }

    pub async fn find(&self, id: UserId) -> Result<ManagedUser, AccountError> {
        let account = repository::account_by_id(&mut *self.db.read().await?, id).await?;
        account.map(ManagedUser::from).ok_or(AccountError::Unknown("user"))
    }

    /// The user with this e-mail address, in any case.
    pub async fn find_by_email(&self, email: &str) -> Result<ManagedUser, AccountError> {
        let email = Email::read(Raw::Text(email)).map_err(|fault| AccountError::Input { member: "email", fault })?;
        let account = repository::account_by_email(&mut *self.db.read().await?, &email).await?;
        account.map(ManagedUser::from).ok_or(AccountError::Unknown("user"))
    }

    /// Users in this order.
    pub async fn list(
        &self,
        filter: &UserFilter,
        sort: UserSort,
        page: &PageRequest<Anchor>,
        count: CountParams,
    ) -> Result<Listed<ManagedUser>, AccountError> {
        let mut db = self.db.listing().await?;
        let (order, after) = (sort.order(), page.after);
        if !order.has_place(&mut db, after).await? {
            return Err(AccountError::PlaceGone);
        }
        let entries = repository::list_users(&mut db, filter, order, after, page.offset, page.fetch()).await?;
        let counted = repository::number_of_users(&mut db, filter, order);
        let total = count.total(page, entries.len(), counted).await?;
        Ok(Listed { entries, total })
    }

    /// The number of users that a list with this filter has.
    pub async fn count(&self, filter: &UserFilter) -> Result<i64, AccountError> {
        Ok(repository::count_users(&mut *self.db.read().await?, filter).await?)
    }

    /// All users, newest first, without pages.
    pub async fn all(&self) -> Result<Vec<ManagedUser>, AccountError> {
        let mut db = self.db.read().await?;
        Ok(repository::list_users(&mut db, &UserFilter::default(), UserSort::Newest.order(), None, 0, i64::MAX).await?)
    }

    /// Whether there is an account with exactly that role, disabled accounts included.
    pub async fn any_with_role(&self, role: Role) -> Result<bool, AccountError> {
        Ok(repository::any_user_with_role(&mut *self.db.read().await?, role).await?)
    }
}

/// Inserts a user with an organization of its own, which is named after its only member.
pub async fn insert_in_tx(tx: &mut PgSession, user: &User, email: &Email, hash: &str) -> Result<(), AccountError> {
    let name = user.name.as_deref().unwrap_or(&user.email);
    repository::insert_organization(tx, user.organization_id, name, user.id, user.created_at).await?;
    // What the unique key cannot find: an account under a former key of the same address.
    let is_known = email.keys().len() > 1 && repository::account_by_email(tx, email).await?.is_some();
    let is_new = !is_known && repository::insert_user(tx, user, email, hash).await?;
    if is_new { Ok(()) } else { Err(AccountError::EmailTaken) }
}
