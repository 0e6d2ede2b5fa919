use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{ActId, AirportCode, OrganizationId, UserId, from_column};
use loadmaster_platform::{
    listing::{Anchor, Order, Total, in_order_of},
    postgres::{PgSession, column},
    web::Patch,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::people::model::{
    Account, AccountLanguage, Act, ActAnchor, ActFilter, Email, ManagedUser, Role, User, UserFilter, WeightUnit,
};

/// A row of `users`.
struct Row {
    id: UserId,
    email: String,
    name: Option<String>,
    email_verified: bool,
    phone: Option<String>,
    phone_verified: bool,
    language: Option<String>,
    weight_unit: String,
    home_airport: Option<AirportCode>,
    role: String,
    organization_id: OrganizationId,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    password_hash: String,
    disabled: bool,
    last_login_on: Option<NaiveDate>,
    version: i32,
}

impl TryFrom<Row> for Account {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        let unknown = || sqlx::Error::Decode(format!("`{}` is not a role", row.role).into());
        let role = Role::from_name(&row.role).ok_or_else(unknown)?;
        let user = User {
            id: row.id,
            email: row.email,
            name: row.name,
            email_verified: row.email_verified,
            phone: row.phone,
            phone_verified: row.phone_verified,
            // A language that only a later release knows is no choice to this one: the account still works.
            language: row.language.and_then(|tag| from_column(AccountLanguage::WORDS, &tag).ok()),
            weight_unit: from_column(WeightUnit::WORDS, &row.weight_unit)?,
            home_airport: row.home_airport,
            role,
            organization_id: row.organization_id,
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        let Row { password_hash, disabled, last_login_on, version, .. } = row;
        Ok(Self { user, password_hash, disabled, last_login_on, version })
    }
}

pub async fn insert_organization(
    db: &mut PgSession,
    id: OrganizationId,
    name: &str,
    founder: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into organizations (id, name, founder_id, created_at) values ($1, $2, $3, $4)",
        id.uuid(),
        name,
        founder.uuid(),
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Adds guests, each with its organization, unless they are there; in ascending order, so that two transactions never
/// wait for each other in a circle.
pub async fn admit_guests(
    db: &mut PgSession,
    guests: &[(UserId, OrganizationId)],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with guest as materialized (
             select distinct * from unnest($1::uuid[], $2::uuid[]) as g (user_id, organization_id) order by 1, 2
         ), organization as (
             insert into organizations (id, name, founder_id, is_of_guest, created_at)
             select organization_id, 'Guest', user_id, true, $3 from guest
             on conflict (id) do nothing
         )
         insert into users (id, organization_id, role, created_at, updated_at)
         select user_id, organization_id, 'guest', $3, $3 from guest
         on conflict (id) do nothing",
        &column(guests, |(user, _)| user.uuid()),
        &column(guests, |(_, organization)| organization.uuid()),
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Answers false if the e-mail address is taken. A unique violation would write the address into PostgreSQL's log.
pub async fn insert_user(db: &mut PgSession, user: &User, email: &Email, password_hash: &str) -> sqlx::Result<bool> {
    sqlx::query!(
        "insert into users (id, organization_id, email, email_key, name, role, password_hash, created_at, updated_at,
                            email_verified_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $10 then $8::timestamptz end)
         on conflict (email_key) do nothing",
        user.id.uuid(),
        user.organization_id.uuid(),
        user.email,
        email.key(),
        user.name.as_deref(),
        user.role.as_str(),
        password_hash,
        user.created_at,
        user.updated_at,
        user.email_verified,
    )
    .execute(db)
    .await
    .map(|inserted| inserted.rows_affected() > 0)
}

/// A checked query for an account that is not erased; `$tail` selects it.
macro_rules! select_account {
    ($tail:literal, $argument:expr) => {
        sqlx::query_as!(
            Row,
            r#"select id as "id: UserId", email as "email!", name, email_verified_at is not null as "email_verified!", phone,
                      phone_verified_at is not null as "phone_verified!", language, weight_unit,
                      home_airport as "home_airport: AirportCode", role, last_login_on,
                      organization_id as "organization_id: OrganizationId", created_at, updated_at, password_hash as "password_hash!",
                      disabled_at is not null as "disabled!", version
               from users where erased_at is null and role <> 'guest' and "#
                + $tail,
            $argument
        )
    };
}

pub async fn account_by_email(db: &mut PgSession, email: &Email) -> sqlx::Result<Option<Account>> {
    let mut found = None;
    // All are asked for: the number of statements does not reveal whether there is an account.
    for key in email.keys() {
        let row = select_account!("email_key = $1", key).fetch_optional(&mut *db).await?;
        found = found.or(row);
    }
    found.map(Account::try_from).transpose()
}

pub async fn account_by_id(db: &mut PgSession, id: UserId) -> sqlx::Result<Option<Account>> {
    let row = select_account!("id = $1", id.uuid()).fetch_optional(db).await?;
    row.map(Account::try_from).transpose()
}

/// The same, locked against changes until this transaction ends. Concurrent reads and log-ins go on.
pub async fn lock_account(db: &mut PgSession, id: UserId) -> sqlx::Result<Option<Account>> {
    let row = select_account!("id = $1 for share", id.uuid()).fetch_optional(db).await?;
    row.map(Account::try_from).transpose()
}

pub async fn any_user_with_role(db: &mut PgSession, role: Role) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from users where role = $1 and erased_at is null) as "any!""#,
        role.as_str()
    )
    .fetch_one(db)
    .await
}

/// The same, locked to be changed by this transaction. Concurrent log-ins wait.
pub async fn lock_account_to_change(db: &mut PgSession, id: UserId) -> sqlx::Result<Option<Account>> {
    let row = select_account!("id = $1 for no key update", id.uuid()).fetch_optional(db).await?;
    row.map(Account::try_from).transpose()
}

/// Accounts in this order.
pub async fn list_users(
    db: &mut PgSession,
    filter: &UserFilter,
    order: Order,
    after: Option<Anchor>,
    offset: u32,
    limit: i64,
) -> sqlx::Result<Vec<ManagedUser>> {
    let ids = chosen(db, filter, order, after, offset, limit).await?;
    let rows = select_account!("id = any($1)", &ids).fetch_all(db).await?;
    let users: Vec<_> =
        rows.into_iter().map(|row| Account::try_from(row).map(ManagedUser::from)).collect::<sqlx::Result<_>>()?;
    Ok(in_order_of(&ids, users, |managed| managed.user.id.uuid()))
}

/// The number of accounts that a list with this filter has, as far as they are counted.
pub async fn number_of_users(db: &mut PgSession, filter: &UserFilter, order: Order) -> sqlx::Result<Total> {
    Ok(Total::of(chosen(db, filter, order, None, 0, Total::LOOKED_FOR).await?.len()))
}

async fn chosen(
    db: &mut PgSession,
    filter: &UserFilter,
    order: Order,
    after: Option<Anchor>,
    offset: u32,
    limit: i64,
) -> sqlx::Result<Vec<Uuid>> {
    let mut query = QueryBuilder::new("select u.id from users u where u.erased_at is null and u.role <> 'guest'");
    if let Some(pattern) = filter.pattern() {
        query.push(" and (u.email ilike ").push_bind(pattern.clone());
        query.push(" or u.name ilike ").push_bind(pattern).push(")");
    }
    if let Some(role) = filter.role {
        query.push(" and u.role = ").push_bind(role.as_str());
    }
    if let Some(organization) = filter.organization_id {
        query.push(" and u.organization_id = ").push_bind(organization);
    }
    if let Some(is_disabled) = filter.disabled {
        query.push(if is_disabled { " and u.disabled_at is not null" } else { " and u.disabled_at is null" });
    }
    order.page(&mut query, after, offset, limit);
    query.build_query_scalar().fetch_all(db).await
}

pub async fn save_name(db: &mut PgSession, id: UserId, name: Option<&str>, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update users set name = $2, version = version + 1, updated_at = $3 where id = $1",
        id.uuid(),
        name,
        now
    )
    .execute(db)
    .await
    .map(drop)
}

/// Saves the language, the unit of weights and the home airport of an account in one version; what is `Keep` or `None` stays as
/// it is. Returns whether this changes the account.
pub async fn save_choices(
    db: &mut PgSession,
    id: UserId,
    language: Patch<AccountLanguage>,
    weight_unit: Option<WeightUnit>,
    home_airport: Patch<AirportCode>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update users set language = case when $2::boolean then $3::text else language end,
                weight_unit = coalesce($4::text, weight_unit),
                home_airport = case when $6::boolean then $7::text else home_airport end,
                version = version + 1, updated_at = $5
         where id = $1
           and (($2 and language is distinct from $3) or weight_unit <> coalesce($4, weight_unit)
                or ($6 and home_airport is distinct from $7))",
        id.uuid(),
        !language.is_keep(),
        language.set().map(AccountLanguage::as_str),
        weight_unit.map(WeightUnit::as_str),
        now,
        !home_airport.is_keep(),
        home_airport.set() as Option<AirportCode>,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Saves the date of a log-in; it is no change of the account. The account is locked to be changed, or new.
pub async fn save_login(db: &mut PgSession, id: UserId, date: NaiveDate) -> sqlx::Result<()> {
    sqlx::query!("update users set last_login_on = greatest(last_login_on, $2) where id = $1", id.uuid(), date)
        .execute(db)
        .await
        .map(drop)
}

pub async fn insert_act(db: &mut PgSession, act: &Act) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into admin_acts (id, act, actor_id, subject_kind, subject_id, data, request_id, acted_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        act.id.uuid(),
        act.name,
        act.actor_id.map(UserId::uuid),
        act.subject_kind,
        act.subject_id,
        act.data,
        act.request_id,
        act.acted_at,
    )
    .execute(db)
    .await
    .map(drop)
}

pub async fn count_users(db: &mut PgSession, filter: &UserFilter) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from users
           where erased_at is null and role <> 'guest'
             and ($1::text is null or email ilike $1 or name ilike $1)
             and ($2::text is null or role = $2)
             and ($3::uuid is null or organization_id = $3)
             and ($4::boolean is null or (disabled_at is not null) = $4)"#,
        filter.pattern(),
        filter.role.map(Role::as_str),
        filter.organization_id.map(OrganizationId::uuid),
        filter.disabled,
    )
    .fetch_one(db)
    .await
}

/// Acts, newest first.
pub async fn list_acts(
    db: &mut PgSession,
    filter: &ActFilter,
    after: Option<ActAnchor>,
    offset: u32,
    limit: i64,
) -> sqlx::Result<Vec<Act>> {
    sqlx::query_as!(
        Act,
        r#"select id as "id: ActId", act as name, actor_id as "actor_id: UserId", subject_kind, subject_id, data, request_id,
                  acted_at
           from admin_acts
           where ($1::uuid is null or actor_id = $1)
             and ($2::text is null or subject_id = $2)
             and ($3::text is null or act = $3)
             and ($4::uuid is null or id < $4)
           order by id desc
           offset $5 limit $6"#,
        filter.actor_id.map(UserId::uuid),
        filter.subject_id,
        filter.act,
        after.map(|ActAnchor(id)| id.uuid()),
        i64::from(offset),
        limit,
    )
    .fetch_all(db)
    .await
}

pub async fn count_acts(db: &mut PgSession, filter: &ActFilter) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from admin_acts
           where ($1::uuid is null or actor_id = $1)
             and ($2::text is null or subject_id = $2)
             and ($3::text is null or act = $3)"#,
        filter.actor_id.map(UserId::uuid),
        filter.subject_id,
        filter.act,
    )
    .fetch_one(db)
    .await
}
