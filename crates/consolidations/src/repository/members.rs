use chrono::{DateTime, Utc};
use loadmaster_kernel::{
    AirportCode, ConsolidationId, ConsolidationMemberId, OneTimeTokenId, OrganizationId, UserId, from_column,
};
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

use crate::model::{Invitation, Member, MemberRole, MemberStatus};

struct Row {
    id: Uuid,
    organization_id: Option<Uuid>,
    name: Option<String>,
    role: String,
    status: String,
    origin: Option<AirportCode>,
    email: Option<String>,
    address_hash: Option<Vec<u8>>,
    token_id: Option<Uuid>,
    expires_at: Option<DateTime<Utc>>,
    invited_by: Option<Uuid>,
    invited_at: DateTime<Utc>,
    answered_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Member {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let token = row.token_id.map(OneTimeTokenId::from).zip(row.expires_at);
        let invitation = row.email.zip(row.address_hash).zip(token);
        Ok(Self {
            id: row.id.into(),
            organization_id: row.organization_id.map(OrganizationId::from),
            name: row.name,
            role: from_column(MemberRole::WORDS, &row.role)?,
            status: from_column(MemberStatus::WORDS, &row.status)?,
            origin: row.origin,
            invitation: invitation.map(|((email, address_hash), (token, expires_at))| Invitation {
                email,
                address_hash,
                token,
                expires_at,
            }),
            invited_by: row.invited_by.map(UserId::from),
            invited_at: row.invited_at,
            answered_at: row.answered_at,
        })
    }
}

/// Returns the members of a consolidation, in the order of their ids.
pub(super) async fn of(db: &mut PgSession, id: ConsolidationId) -> sqlx::Result<Vec<Member>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select m.id, m.organization_id, o.name as "name?", m.role, m.status, m.origin as "origin: _", m.email,
                  m.address_hash, m.token_id, m.expires_at, m.invited_by, m.invited_at, m.answered_at
           from consolidation_members m left join organizations o on o.id = m.organization_id
           where m.consolidation_id = $1 order by m.id"#,
        id.uuid(),
    );
    rows.fetch_all(db).await?.into_iter().map(Member::try_from).collect()
}

pub(crate) async fn insert_member(db: &mut PgSession, of: ConsolidationId, member: &Member) -> sqlx::Result<()> {
    let invitation = member.invitation.as_ref();
    let made = sqlx::query!(
        "insert into consolidation_members (id, consolidation_id, organization_id, role, status, origin, email, address_hash,
                                            token_id, expires_at, invited_at, answered_at, invited_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        member.id.uuid(),
        of.uuid(),
        member.organization_id.map(OrganizationId::uuid),
        member.role.as_str(),
        member.status.as_str(),
        member.origin as Option<AirportCode>,
        invitation.map(|open| open.email.as_str()),
        invitation.map(|open| open.address_hash.as_slice()),
        invitation.map(|open| open.token.uuid()),
        invitation.map(|open| open.expires_at),
        member.invited_at,
        member.answered_at,
        member.invited_by.map(UserId::uuid),
    );
    made.execute(db).await.map(drop)
}

/// Gives an open invitation another token: the former one is worth nothing any more. Returns whether it is there.
pub(crate) async fn save_invitation(db: &mut PgSession, member: &Member) -> sqlx::Result<bool> {
    let invitation = member.invitation.as_ref();
    let saved = sqlx::query!(
        "update consolidation_members set token_id = $2, expires_at = $3, origin = $4, invited_at = $5, invited_by = $6
         where id = $1 and status = 'INVITED'",
        member.id.uuid(),
        invitation.map(|open| open.token.uuid()),
        invitation.map(|open| open.expires_at),
        member.origin as Option<AirportCode>,
        member.invited_at,
        member.invited_by.map(UserId::uuid),
    );
    Ok(saved.execute(db).await?.rows_affected() > 0)
}

/// Writes the answer to an invitation; the address is forgotten.
pub(crate) async fn save_answer(
    db: &mut PgSession,
    id: ConsolidationMemberId,
    (organization, status): (OrganizationId, MemberStatus),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let saved = sqlx::query!(
        "update consolidation_members
         set organization_id = $2, status = $3, answered_at = $4, email = null, address_hash = null, token_id = null,
             expires_at = null
         where id = $1",
        id.uuid(),
        organization.uuid(),
        status.as_str(),
        now,
    );
    saved.execute(db).await.map(drop)
}

/// Returns the consolidation of an open invitation, by its token.
pub(crate) async fn invited_by_token(
    db: &mut PgSession,
    token: OneTimeTokenId,
) -> sqlx::Result<Option<ConsolidationId>> {
    let found =
        sqlx::query_scalar!("select consolidation_id from consolidation_members where token_id = $1", token.uuid());
    Ok(found.fetch_optional(db).await?.map(ConsolidationId::from))
}

/// Returns the e-mail address of an account.
pub(crate) async fn email_of(db: &mut PgSession, user: UserId) -> sqlx::Result<Option<String>> {
    let found = sqlx::query_scalar!(
        r#"select email as "email?" from users where id = $1 and disabled_at is null and erased_at is null"#,
        user.uuid(),
    );
    Ok(found.fetch_optional(db).await?.flatten())
}

pub(crate) async fn delete_member(db: &mut PgSession, id: ConsolidationMemberId) -> sqlx::Result<()> {
    sqlx::query!("delete from consolidation_members where id = $1", id.uuid()).execute(db).await.map(drop)
}

/// Deletes the invitations of a consolidation that were not answered before this time.
pub(crate) async fn delete_ended(db: &mut PgSession, of: ConsolidationId, now: DateTime<Utc>) -> sqlx::Result<()> {
    let deleted = sqlx::query!(
        "delete from consolidation_members where consolidation_id = $1 and status = 'INVITED' and expires_at <= $2",
        of.uuid(),
        now,
    );
    deleted.execute(db).await.map(drop)
}

/// Returns the address of an account, also of one that is disabled.
pub(crate) async fn any_email_of(db: &mut PgSession, user: UserId) -> sqlx::Result<Option<String>> {
    let found = sqlx::query_scalar!(r#"select email as "email?" from users where id = $1"#, user.uuid());
    Ok(found.fetch_optional(db).await?.flatten())
}

/// Deletes the declined invitations but the newest `kept`.
pub(crate) async fn delete_declined(db: &mut PgSession, of: ConsolidationId, kept: i64) -> sqlx::Result<()> {
    let deleted = sqlx::query!(
        "delete from consolidation_members where id in
             (select id from consolidation_members where consolidation_id = $1 and status = 'DECLINED'
              order by answered_at desc, id desc offset $2)",
        of.uuid(),
        kept,
    );
    deleted.execute(db).await.map(drop)
}
