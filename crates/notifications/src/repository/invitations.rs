//! Open invitations to consolidations, and the letters about them.
use chrono::{DateTime, Utc};
use loadmaster_kernel::AirportCode;
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

/// An open invitation whose letter is not written yet.
#[derive(Debug)]
pub(crate) struct OpenInvitation {
    pub member_id: Uuid,
    pub token_id: Uuid,
    /// The owner.
    pub organization_id: Uuid,
    pub invited_by: Uuid,
    pub address_hash: Vec<u8>,
    pub expires_at: DateTime<Utc>,
}

/// Returns the open invitations to these consolidations for which no notification of this type was written.
pub(crate) async fn open(
    db: &mut PgSession,
    consolidations: &[Uuid],
    kind: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<OpenInvitation>> {
    sqlx::query_as!(
        OpenInvitation,
        r#"select m.id as member_id, m.token_id as "token_id!", c.organization_id, m.invited_by as "invited_by!",
                  m.address_hash as "address_hash!", m.expires_at as "expires_at!"
           from consolidation_members m join consolidations c on c.id = m.consolidation_id
           where m.consolidation_id = any($1) and m.status = 'INVITED' and m.expires_at > $3 and m.invited_by is not null
             and c.cancelled_at is null
             and not exists (select from notifications n where n.message_id = $2 || '-' || m.token_id::text)
           order by m.id"#,
        consolidations,
        kind,
        now,
    )
    .fetch_all(db)
    .await
}

/// Numbers of letters that were written and not suppressed.
pub(crate) struct LettersSent {
    /// To this address, by its digest.
    pub to_address: i64,
    pub of_organization: i64,
}

pub(crate) async fn letters(
    db: &mut PgSession,
    address_hash: &str,
    organization: Uuid,
    (month, day): (DateTime<Utc>, DateTime<Utc>),
) -> sqlx::Result<LettersSent> {
    sqlx::query_as!(
        LettersSent,
        r#"select (select count(*) from notifications
                   where type = 'consolidation_invitation' and data ->> 'address_hash' = $1 and created_at > $3
                     and status <> 'SUPPRESSED') as "to_address!",
                  (select count(*) from notifications
                   where type = 'consolidation_invitation' and organization_id = $2 and created_at > $4
                     and status <> 'SUPPRESSED') as "of_organization!""#,
        address_hash,
        organization,
        month,
        day,
    )
    .fetch_one(db)
    .await
}

/// What the letter says.
pub(crate) struct InvitationFacts {
    pub email: Option<String>,
    pub token_id: Option<Uuid>,
    pub expires_at: Option<DateTime<Utc>>,
    /// The name of the owner.
    pub organization: String,
    pub destination: AirportCode,
    pub origin: Option<AirportCode>,
    pub is_cancelled: bool,
}

pub(crate) async fn find(db: &mut PgSession, member: Uuid) -> sqlx::Result<Option<InvitationFacts>> {
    sqlx::query_as!(
        InvitationFacts,
        r#"select m.email, m.token_id, m.expires_at, o.name as organization, c.destination as "destination: AirportCode",
                  m.origin as "origin: AirportCode", c.cancelled_at is not null as "is_cancelled!"
           from consolidation_members m join consolidations c on c.id = m.consolidation_id
           join organizations o on o.id = c.organization_id
           where m.id = $1"#,
        member,
    )
    .fetch_optional(db)
    .await
}
