//! Tickets: what `EventSource` shows in place of a token, which it cannot send. Sealed and stored nowhere.
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_accounts::{Credential, Principal, Role};
use loadmaster_kernel::{ApiKeyId, OrganizationId, TokenFamilyId, UserId};
use loadmaster_platform::{proofs::ProofKey, secrets::ServerSecrets};
use serde::{Deserialize, Serialize};

/// Time in which a ticket opens streams.
const VALID_FOR: TimeDelta = TimeDelta::seconds(60);
const SCOPE: &str = "live.ticket";
/// The path of the API, which may be left out of the path of a stream.
const API: &str = "/api/v1";

/// The path of a stream, in one way of writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StreamPath(String);

impl StreamPath {
    /// Returns `None` if no stream has this path. A query is left out.
    pub fn of(text: &str) -> Option<Self> {
        let path = text.split_once('?').map_or(text, |(path, _)| path).to_ascii_lowercase();
        let path = path.strip_prefix(API).unwrap_or(&path);
        let mut parts = path.strip_prefix('/')?.split('/');
        let is_known = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("stream"), None, ..) => true,
            (Some("flights" | "bookings" | "tracking"), Some(name), Some("stream"), None) => !name.is_empty(),
            _ => false,
        };
        is_known.then(|| Self(path.to_owned()))
    }
}

/// Makes tickets, and reads them.
#[derive(Clone)]
pub(super) struct Tickets(ProofKey);

#[derive(Serialize, Deserialize)]
struct Content {
    path: String,
    until: DateTime<Utc>,
    user: UserId,
    organization: OrganizationId,
    role: Role,
    credential: Kind,
}

#[derive(Serialize, Deserialize)]
enum Kind {
    Guest,
    Session(TokenFamilyId),
    ApiKey(ApiKeyId, Option<u32>),
}

impl Tickets {
    pub fn new(secrets: &ServerSecrets) -> Self {
        Self(secrets.proofs.clone())
    }

    /// Returns a ticket of this caller for a path, and until when it opens streams there.
    pub fn issue(
        &self,
        path: &StreamPath,
        caller: Principal,
        now: DateTime<Utc>,
    ) -> serde_json::Result<(String, DateTime<Utc>)> {
        let content = Content {
            path: path.0.clone(),
            until: now + VALID_FOR,
            user: caller.user_id,
            organization: caller.organization_id,
            role: caller.role,
            credential: match caller.credential {
                Credential::Guest => Kind::Guest,
                Credential::Session(family) => Kind::Session(family),
                Credential::ApiKey { id, rate_limit_per_minute } => Kind::ApiKey(id, rate_limit_per_minute),
            },
        };
        let sealed = self.0.seal(SCOPE, &serde_json::to_vec(&content)?);
        Ok((URL_SAFE_NO_PAD.encode(sealed), content.until))
    }

    /// Returns whose ticket it is; `None` if it was not made here, not for this path, or is too old.
    pub fn open(&self, path: &StreamPath, ticket: &str, now: DateTime<Utc>) -> Option<Principal> {
        let sealed = URL_SAFE_NO_PAD.decode(ticket).ok()?;
        let content: Content = serde_json::from_slice(self.0.open(SCOPE, &sealed)?).ok()?;
        if content.path != path.0 || now > content.until {
            return None;
        }
        let credential = match content.credential {
            Kind::Guest => Credential::Guest,
            Kind::Session(family) => Credential::Session(family),
            Kind::ApiKey(id, rate_limit_per_minute) => Credential::ApiKey { id, rate_limit_per_minute },
        };
        Some(Principal {
            user_id: content.user,
            organization_id: content.organization,
            role: content.role,
            credential,
            is_console: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use loadmaster_platform::seal::SealKey;
    use uuid::Uuid;

    use super::*;

    fn tickets(key: u8) -> Tickets {
        Tickets(SealKey::new(&[key; 32]).into())
    }

    fn caller() -> Principal {
        let id = Uuid::from_u128;
        Principal::of_session(id(1).into(), id(2).into(), Role::Customer, id(3).into())
    }

    #[test]
    fn only_streams_have_tickets_however_their_paths_are_written() {
        let booking = StreamPath::of("/api/v1/bookings/acbKW3RT2/stream").unwrap();
        assert_eq!(StreamPath::of("/bookings/ACBKW3RT2/stream?last_event_id=3"), Some(booking));
        for path in ["/stream", "/api/v1/stream", "/flights/x/stream", "/tracking/020-12345675/stream"] {
            assert!(StreamPath::of(path).is_some(), "{path}");
        }
        for path in ["", "/", "stream", "/bookings", "/bookings//stream", "/bookings/x", "/stream/x", "/users/x/stream"]
        {
            assert_eq!(StreamPath::of(path), None, "{path}");
        }
    }

    #[test]
    fn a_ticket_opens_its_own_path_for_a_minute() {
        let (path, other) = (StreamPath::of("/stream").unwrap(), StreamPath::of("/flights/x/stream").unwrap());
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let keys = [Credential::Guest, Credential::ApiKey { id: Uuid::nil().into(), rate_limit_per_minute: Some(3) }];
        let callers = keys.map(|credential| Principal { credential, ..caller() });
        for caller in callers.into_iter().chain([caller()]) {
            let (ticket, until) = tickets(1).issue(&path, caller, now).unwrap();
            assert_eq!(until, now + TimeDelta::seconds(60));
            assert_eq!(tickets(1).open(&path, &ticket, until), Some(caller));
            assert_eq!(tickets(1).open(&path, &ticket, until + TimeDelta::seconds(1)), None);
            assert_eq!(tickets(1).open(&other, &ticket, now), None);
            assert_eq!(tickets(2).open(&path, &ticket, now), None);
        }
        assert_eq!(tickets(1).open(&path, "", now), None);
    }
}
