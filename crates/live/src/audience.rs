use std::{collections::HashMap, time::Duration};

use loadmaster_accounts::{AccountError, Authenticator, Principal};
use loadmaster_platform::{outage::OutageLog, shutdown::stopped_within, streams::Sender};
use tokio_util::sync::CancellationToken;

use super::groups::{Groups, Joined};

/// The known callers with open streams. Their access is looked at again and again: a stream does not outlast it.
#[derive(Clone)]
pub(super) struct Audience {
    callers: Authenticator,
    listening: Groups<Principal, (), Sender>,
}

/// Dropping it forgets the stream.
pub(super) type Listening = Joined<Principal, (), Sender>;

impl Audience {
    pub fn new(callers: Authenticator) -> Self {
        Self { callers, listening: Groups::default() }
    }

    pub fn join(&self, caller: Principal, sender: &Sender) -> Listening {
        self.listening.join(caller, sender.number(), sender.clone())
    }

    pub async fn is_admitted(&self, caller: &Principal) -> Result<bool, AccountError> {
        self.callers.is_still_admitted(caller).await
    }

    /// Ends the streams of callers whose access has ended, until `stop`.
    pub async fn watch(self, interval: Duration, stop: CancellationToken) {
        let mut outage = OutageLog::new("it is not known whether the callers of open streams still have access");
        while !stopped_within(&stop, interval).await {
            _ = outage.note(self.look().await);
        }
    }

    async fn look(&self) -> Result<(), AccountError> {
        let callers: Vec<Principal> = self.listening.all().keys().copied().collect();
        let mut unknown = Ok(());
        for caller in callers {
            let admitted = self.is_admitted(&caller).await;
            if let Ok(false) = admitted {
                let of: HashMap<u64, Sender> =
                    self.listening.with(caller, |group| group.members.clone()).unwrap_or_default();
                for sender in of.values() {
                    sender.end();
                }
            }
            // Of one it is not known; the others do not wait for that.
            unknown = unknown.and(admitted.map(drop));
        }
        unknown
    }
}
