use loadmaster_kernel::{from_column, words};

words! {
    /// Why something that a user made does not act for the time being.
    pub enum SleepReason {
        UserDisabled = "user_disabled",
        /// The user belongs to another organization than when it was made.
        UserMoved = "user_moved",
        /// The user has a lower role than it needs.
        UserDemoted = "user_demoted",
        UserErased = "user_erased",
    }
}

/// Why something that a user made does not act, as the database's function `access_obstacle` decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    Asleep(SleepReason),
    /// The API key by which it was made was revoked or has expired.
    KeyEnded,
    /// A new password has ended it.
    AccessEnded,
}

impl Obstacle {
    /// Reads the function's word; null is no obstacle.
    pub fn read(word: Option<&str>) -> sqlx::Result<Option<Self>> {
        word.map(|word| match word {
            "key_ended" => Ok(Self::KeyEnded),
            "access_ended" => Ok(Self::AccessEnded),
            word => Ok(Self::Asleep(from_column(SleepReason::WORDS, word)?)),
        })
        .transpose()
    }

    /// The reason for which it sleeps, unless it has ended for good.
    pub const fn sleep_reason(self) -> Option<SleepReason> {
        match self {
            Self::Asleep(reason) => Some(reason),
            Self::KeyEnded | Self::AccessEnded => None,
        }
    }
}

/// What of a user's a new password ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    Nothing,
    /// What was made before the address was verified: somebody else may have made it.
    Unproven,
    All,
}

impl Ends {
    /// Everything if that is wanted, which is the member `end_all`.
    #[must_use]
    pub fn or_all(self, is_wanted: bool) -> Self {
        if is_wanted { Self::All } else { self }
    }
}

/// What a user has shown to be the user, and not somebody who has found an open session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The session's log-in was a short time ago.
    RecentSignIn,
    /// The password that has this hash.
    Password(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sleeps_has_a_reason_and_what_has_ended_does_not_sleep() {
        let read = |word| Obstacle::read(Some(word)).unwrap().unwrap();
        assert_eq!(Obstacle::read(None).unwrap(), None);
        for (word, reason) in SleepReason::WORDS {
            assert_eq!(read(word).sleep_reason(), Some(*reason));
        }
        assert_eq!(read("key_ended"), Obstacle::KeyEnded);
        assert_eq!(read("access_ended").sleep_reason(), None);
        assert!(Obstacle::read(Some("tired")).is_err());
    }
}
