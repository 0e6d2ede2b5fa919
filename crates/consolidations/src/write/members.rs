use std::collections::BTreeSet;

use loadmaster_accounts::{NewToken, Principal};
use loadmaster_kernel::{AirportCode, ConsolidationId, ConsolidationMemberId, OneTimeTokenId, OrganizationId};
use loadmaster_platform::{postgres::PgSession, web::Precondition, work::Command};
use uuid::Uuid;

use super::{check_origin, parts::WITHDRAWN_KEPT};

use crate::{
    dto::JoinAnswer,
    error::ConsolidationError,
    model::{
        ConsolidationChange, Happening, INVITATION, Invitation, MOST_MEMBERS, Member, MemberRole, MemberStatus, Whole,
    },
    repository,
    service::{ConsolidationService, INVITED_FOR},
};

/// Declined invitations that are kept.
const DECLINED_KEPT: i64 = 20;

/// Invites whoever has an address. An address that is invited already gets a new token, in place of the former one.
pub(crate) struct Invite {
    pub consolidations: ConsolidationService,
    pub caller: Principal,
    pub id: ConsolidationId,
    pub precondition: Precondition,
    pub email: String,
    pub origin: Option<AirportCode>,
}

impl Command for Invite {
    const NAME: &'static str = "consolidations.invite";
    type Done = Member;
    type Error = ConsolidationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Member, ConsolidationError> {
        let Self { consolidations, caller, id, precondition, email, origin } = self;
        let mut whole = consolidations.lock_own_in_tx(tx, *caller, *id, precondition).await?;
        if let Some(origin) = *origin {
            check_origin(&whole, origin)?;
        }
        let now = consolidations.clock.now();
        let is_in_time = |member: &Member| member.invitation.as_ref().is_none_or(|open| open.expires_at > now);
        if !whole.members.iter().all(is_in_time) {
            repository::delete_ended(tx, *id, now).await?;
            whole.members.retain(is_in_time);
        }
        let hashes = consolidations.one_time.address_hashes("email", email);
        let former = whole.members.iter().find(|member| is_invited_at(member, &hashes)).cloned();
        let taken = whole.members.iter().filter(|member| member.is_counted()).count();
        if former.is_none() && taken >= MOST_MEMBERS {
            return Err(ConsolidationError::LimitReached { what: "members", limit: MOST_MEMBERS });
        }
        let invitation = consolidations.issue_in_tx(tx, email, *caller).await?;
        let is_again = former.is_some();
        let member = Member {
            id: former.map_or_else(|| consolidations.ids.next(now), |former| former.id),
            organization_id: None,
            name: None,
            role: MemberRole::Member,
            status: MemberStatus::Invited,
            origin: *origin,
            invitation: Some(invitation),
            invited_by: Some(caller.user_id),
            invited_at: now,
            answered_at: None,
        };
        if !is_again || !repository::save_invitation(tx, &member).await? {
            repository::insert_member(tx, *id, &member).await?;
            repository::delete_declined(tx, *id, DECLINED_KEPT).await?;
        }
        let invited = Happening::change(ConsolidationChange::MemberInvited);
        consolidations.record_in_tx(tx, *caller, &mut whole.consolidation, invited).await?;
        Ok(member)
    }
}

fn is_invited_at(member: &Member, hashes: &[Vec<u8>]) -> bool {
    member.invitation.as_ref().is_some_and(|open| hashes.contains(&open.address_hash))
}

impl ConsolidationService {
    async fn issue_in_tx(
        &self,
        tx: &mut PgSession,
        email: &str,
        caller: Principal,
    ) -> Result<Invitation, ConsolidationError> {
        let address_hash = self.one_time.address_hash("email", email);
        let new = NewToken {
            purpose: INVITATION,
            user_id: None,
            contact_point_id: None,
            organization_id: Some(caller.organization_id),
            address_hash: Some(address_hash.clone()),
            asker_hash: None,
            lifetime: INVITED_FOR,
        };
        let (token, expires_at) = self.one_time.issue_in_tx(tx, &new).await?;
        Ok(Invitation { email: email.to_owned(), address_hash, token, expires_at })
    }
}

/// What became of an invitation.
pub(crate) enum Answered {
    Accepted(Box<Whole>),
    Declined,
}

/// Answers an invitation, for the caller's organization.
pub(crate) struct Join {
    pub consolidations: ConsolidationService,
    pub caller: Principal,
    pub token: String,
    pub answer: JoinAnswer,
}

impl Command for Join {
    const NAME: &'static str = "consolidations.join";
    type Done = Answered;
    type Error = ConsolidationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Answered, ConsolidationError> {
        let Self { consolidations, caller, token, answer } = self;
        let spent = consolidations.one_time.spend_in_tx(tx, INVITATION, token).await?;
        let spent = spent.ok_or(ConsolidationError::TokenInvalid)?;
        // Of this address: whoever came by the letter otherwise cannot use it.
        let email = repository::email_of(tx, caller.user_id).await?.ok_or(ConsolidationError::TokenInvalid)?;
        let hashes = consolidations.one_time.address_hashes("email", &email);
        if !spent.address_hash.is_some_and(|hash| hashes.contains(&hash)) {
            return Err(ConsolidationError::TokenInvalid);
        }
        let id = repository::invited_by_token(tx, spent.id).await?.ok_or(ConsolidationError::TokenInvalid)?;
        let whole = consolidations.lock_invited_in_tx(tx, id).await?;
        let member = invited(&whole, spent.id)?;
        let now = consolidations.clock.now();
        match answer {
            JoinAnswer::Accept => {
                if whole.is_member(caller.organization_id) {
                    return Err(ConsolidationError::AlreadyMember);
                }
                let accepted = (caller.organization_id, MemberStatus::Accepted);
                repository::save_answer(tx, member, accepted, now).await?;
                let joined =
                    Happening::change(ConsolidationChange::MemberAccepted).about(Some(caller.organization_id), None);
                let whole = consolidations.recorded_in_tx(tx, *caller, whole, joined).await?;
                Ok(Answered::Accepted(Box::new(whole)))
            }
            JoinAnswer::Decline => {
                let declined = (caller.organization_id, MemberStatus::Declined);
                repository::save_answer(tx, member, declined, now).await?;
                let left =
                    Happening::change(ConsolidationChange::MemberDeclined).about(Some(caller.organization_id), None);
                consolidations.recorded_in_tx(tx, *caller, whole, left).await?;
                Ok(Answered::Declined)
            }
        }
    }
}

/// Returns the open invitation with this token: it may have been renewed or withdrawn until the consolidation was locked.
fn invited(whole: &Whole, token: OneTimeTokenId) -> Result<ConsolidationMemberId, ConsolidationError> {
    let has_token = |member: &&Member| member.invitation.as_ref().is_some_and(|open| open.token == token);
    whole.members.iter().find(has_token).map(|member| member.id).ok_or(ConsolidationError::TokenInvalid)
}

impl ConsolidationService {
    /// Locks a consolidation for somebody who was invited to it.
    async fn lock_invited_in_tx(&self, tx: &mut PgSession, id: ConsolidationId) -> Result<Whole, ConsolidationError> {
        repository::lock(tx, id).await?;
        let whole = repository::find(tx, id, self.clock.now()).await?;
        let is_open = |whole: &Whole| whole.consolidation.cancelled_at.is_none();
        whole.filter(is_open).ok_or(ConsolidationError::TokenInvalid)
    }
}

/// Removes a member and withdraws its parts, or withdraws an invitation: the owner, or the member itself.
pub(crate) struct RemoveMember {
    pub consolidations: ConsolidationService,
    pub caller: Principal,
    pub id: ConsolidationId,
    /// The organization of the member, or the id of the invitation.
    pub member: Uuid,
    pub precondition: Precondition,
}

impl Command for RemoveMember {
    const NAME: &'static str = "consolidations.remove_member";
    type Done = ();
    type Error = ConsolidationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<(), ConsolidationError> {
        let Self { consolidations, caller, id, member, precondition } = self;
        // Members leave a consolidation that is cancelled, too.
        let mut whole = consolidations.lock_any_in_tx(tx, *caller, *id, precondition).await?;
        let found = removable(&whole, *caller, *member)?.clone();
        let mut origins = BTreeSet::new();
        if let Some(organization) = found.organization_id.filter(|_| found.status == MemberStatus::Accepted) {
            let now = consolidations.clock.now();
            origins = repository::withdraw_parts_of(tx, *id, organization, now).await?;
            repository::delete_withdrawn(tx, *id, WITHDRAWN_KEPT).await?;
        }
        repository::delete_member(tx, found.id).await?;
        let removed =
            Happening::change(ConsolidationChange::MemberRemoved).about(found.organization_id, None).at(origins);
        consolidations.record_in_tx(tx, *caller, &mut whole.consolidation, removed).await
    }
}

/// Returns the member that the caller may remove: any but itself as the owner, otherwise only itself.
fn removable(whole: &Whole, caller: Principal, wanted: Uuid) -> Result<&Member, ConsolidationError> {
    let is_named = |member: &&Member| {
        member.id.uuid() == wanted || member.organization_id.map(OrganizationId::uuid) == Some(wanted)
    };
    // One that declined before and was invited again is named by its organization, too.
    let named = whole.members.iter().filter(is_named);
    let found = named.max_by_key(|member| member.status == MemberStatus::Accepted);
    let found = found.ok_or(ConsolidationError::UnknownMember)?;
    let is_self = found.organization_id == Some(caller.organization_id);
    match found.role {
        MemberRole::Owner if is_self => Err(ConsolidationError::OwnerStays),
        MemberRole::Member if is_self || whole.is_owner(caller.organization_id) => Ok(found),
        _ => Err(ConsolidationError::NotOwner),
    }
}
