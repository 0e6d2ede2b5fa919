use loadmaster_accounts::{Actor, Principal, Subject};
use loadmaster_capacity as capacity;
use loadmaster_kernel::WaitlistEntryId;
use loadmaster_platform::{postgres::PgSession, web::Precondition, work::Command};
use serde_json::json;

use super::{
    error::WaitlistError,
    model::{WaitlistEventType, WaitlistStatus},
    repository,
    service::{Placed, WaitlistService, advance, save_in_tx, write_messages_in_tx},
};

/// What is done with an entry that waits.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verb {
    Cancel,
    SetPriority(i32),
    MoveBefore(WaitlistEntryId),
}

impl Verb {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::SetPriority(_) => "change",
            Self::MoveBefore(_) => "move",
        }
    }
}

/// Cancels an entry, or gives it another place in the order.
pub(super) struct Change {
    pub waitlist: WaitlistService,
    pub caller: Principal,
    pub id: WaitlistEntryId,
    pub precondition: Precondition,
    pub verb: Verb,
}

impl Command for Change {
    const NAME: &'static str = "waitlist.change";
    type Done = Placed;
    type Error = WaitlistError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Placed, WaitlistError> {
        let Self { waitlist, caller, id, precondition, verb } = self;
        let flights = repository::awaited(tx, *id).await?;
        if matches!(verb, Verb::Cancel) {
            capacity::lock_in_tx(tx, &flights).await?;
        }
        let mut entry = repository::lock(tx, &[*id]).await?.pop().ok_or(WaitlistError::Unknown)?;
        if !entry.is_visible_to(*caller) {
            return Err(WaitlistError::Unknown);
        }
        precondition.check(entry.version).map_err(WaitlistError::VersionMismatch)?;
        let now = waitlist.clock.now();
        let from = entry.status_at(now);
        if from != WaitlistStatus::Waiting {
            let allowed = if from == WaitlistStatus::Offered { vec!["book", "decline"] } else { Vec::new() };
            return Err(WaitlistError::InvalidTransition { from, action: verb.as_str(), allowed });
        }
        // The flights that were locked are not the ones that it waits for now.
        if repository::awaited(tx, *id).await? != flights {
            return Err(WaitlistError::Raced);
        }
        if matches!(verb, Verb::SetPriority(priority) if *priority == entry.priority) {
            return Ok(Placed::find_in_tx(tx, entry).await?);
        }
        advance(&mut entry, now);
        let act = match verb {
            Verb::Cancel => {
                entry.status = WaitlistStatus::Cancelled;
                save_in_tx(tx, &[(&entry, WaitlistEventType::Cancelled)]).await?;
                if caller.sees_only().is_some() {
                    return Ok(Placed::find_in_tx(tx, entry).await?);
                }
                json!({ "organization_id": entry.organization_id })
            }
            Verb::SetPriority(priority) => {
                entry.priority = *priority;
                save_in_tx(tx, &[(&entry, WaitlistEventType::Moved)]).await?;
                json!({ "priority": priority })
            }
            Verb::MoveBefore(before) => {
                if *before == entry.id || !repository::move_before(tx, entry.id, *before).await? {
                    let action = verb.as_str();
                    return Err(WaitlistError::InvalidTransition { from, action, allowed: vec!["cancel"] });
                }
                entry.priority = repository::find(tx, entry.id, None).await?.map_or(entry.priority, |e| e.priority);
                repository::save(tx, &[&entry]).await?;
                write_messages_in_tx(tx, &[(&entry, WaitlistEventType::Moved)]).await?;
                json!({ "before": before })
            }
        };
        let (actor, subject) = (Actor::Caller(caller.user_id), Subject::new("waitlist_entry", entry.id));
        let name = if matches!(verb, Verb::Cancel) { "waitlist.cancelled" } else { "waitlist.moved" };
        waitlist.acts.record_in_tx(tx, actor, name, subject, act).await?;
        Ok(Placed::find_in_tx(tx, entry).await?)
    }

    async fn concluded(&mut self, outcome: Result<&Placed, &WaitlistError>) {
        if let Ok(Placed { entry, .. }) = outcome {
            tracing::info!(entry_id = %entry.id, action = self.verb.as_str(), "waitlist entry changed");
            self.waitlist.look_at(entry.flight_ids.clone());
        }
    }
}
