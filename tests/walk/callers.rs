//! Who takes the steps: guests, customers of two organizations, staff, and their keys, as long as they may.
use loadmaster_accounts::Role;
use loadmaster_testkit::World;
use uuid::Uuid;

/// Somebody with an account.
#[derive(Debug, Clone, Copy)]
pub struct User {
    pub id: Uuid,
    pub role: Role,
    /// A number of [`Callers::organizations`].
    pub organization: usize,
    pub is_disabled: bool,
    pub version: i64,
}

/// What a caller shows.
#[derive(Debug, Clone)]
pub enum Credential {
    Nothing,
    Token(String),
    /// `home`: the organization to which its user belonged when it was made.
    Key {
        secret: String,
        id: String,
        role: Role,
        is_revoked: bool,
        own: usize,
        home: usize,
    },
}

#[derive(Debug, Clone)]
pub struct Caller {
    pub name: String,
    /// `None` for those without an account.
    pub user: Option<usize>,
    pub credential: Credential,
    /// Of a token: what it was issued for.
    pub issued: (Role, usize),
    /// The code that a token is refused with, since its user changed.
    pub ended: Option<&'static str>,
}

pub struct Callers {
    pub organizations: Vec<Uuid>,
    pub users: Vec<User>,
    pub all: Vec<Caller>,
}

/// The places of the administrator and of carrier staff.
pub const ADMIN: usize = 0;
pub const OPERATOR: usize = 1;
/// The users whom the administrator disables, demotes and moves: a colleague and an operator.
pub const CHANGED_USERS: [usize; 2] = [3, 5];
/// The organization with credit and an allotment, by the number of its first user.
pub const FORWARDER: usize = 2;

impl Callers {
    pub async fn come(world: &World) -> Self {
        let organizations: Vec<Uuid> = (0..5).map(|_| Uuid::new_v4()).collect();
        // Role and organization of each user.
        let users = [
            (Role::Admin, 0),
            (Role::Operator, 1),
            (Role::Customer, 2),
            (Role::Customer, 2),
            (Role::Customer, 3),
            (Role::Operator, 4),
        ];
        let user = |(role, organization): (Role, usize)| User {
            id: Uuid::new_v4(),
            role,
            organization,
            is_disabled: false,
            version: 1,
        };
        let users: Vec<User> = users.into_iter().map(user).collect();
        let mut callers = Self { organizations, users, all: Vec::new() };
        let names = ["admin", "operator", "nobody", "ann", "ben", "eve", "otto"];
        for (name, number) in names.into_iter().zip([Some(0), Some(1), None, Some(2), Some(3), Some(4), Some(5)]) {
            if let Some(number) = number {
                let User { id, role, organization, .. } = callers.users[number];
                world.caller_in(role, id, callers.organizations[organization]).await;
            }
            callers.enter(world, name, number).await;
        }
        for name in ["guest 1", "guest 2"] {
            let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
            world.caller_in(Role::Guest, user, organization).await;
            callers.organizations.push(organization);
            let number = callers.organizations.len() - 1;
            callers.users.push(User {
                id: user,
                role: Role::Guest,
                organization: number,
                is_disabled: false,
                version: 1,
            });
            callers.enter(world, name, Some(callers.users.len() - 1)).await;
        }
        callers
    }

    async fn enter(&mut self, world: &World, name: &str, user: Option<usize>) {
        let (credential, issued) = match user {
            None => (Credential::Nothing, (Role::Guest, usize::MAX)),
            Some(user) => {
                let token = Credential::Token(self.token(world, user).await);
                (token, (self.users[user].role, self.users[user].organization))
            }
        };
        self.all.push(Caller { name: name.to_owned(), user, credential, issued, ended: None });
    }

    async fn token(&self, world: &World, user: usize) -> String {
        let User { id, role, organization, .. } = self.users[user];
        world.log_in(role, id, self.organizations[organization]).await
    }

    /// Logs in again whoever has lost a token, and may.
    pub async fn log_in_again(&mut self, world: &World, caller: usize) {
        let Some(user) = self.all[caller].user.filter(|user| !self.users[*user].is_disabled) else { return };
        let (token, issued) = (self.token(world, user).await, (self.users[user].role, self.users[user].organization));
        let known = &mut self.all[caller];
        if let Credential::Token(known_token) = &mut known.credential {
            *known_token = token;
            (known.issued, known.ended) = (issued, None);
        }
    }

    /// Takes note of a change of a user: its tokens end.
    pub fn changed(&mut self, user: usize, code: &'static str) {
        for caller in self.all.iter_mut().filter(|caller| caller.user == Some(user)) {
            // What ended a session is not undone by a later change.
            if matches!(caller.credential, Credential::Token(_)) && caller.ended != Some("unauthenticated") {
                caller.ended = Some(code);
            }
        }
    }

    /// Role and organization of a caller, or the code of its refusal.
    pub fn standing(&self, caller: usize) -> Result<(Role, usize), &'static str> {
        let known = &self.all[caller];
        match (&known.credential, known.user) {
            (Credential::Nothing | Credential::Key { is_revoked: true, .. }, _) | (_, None) => Err("unauthenticated"),
            (Credential::Token(_), _) => known.ended.map_or(Ok(known.issued), Err),
            (Credential::Key { role, own, home, .. }, Some(user)) => {
                let user = &self.users[user];
                match (*role).min(user.role) {
                    _ if user.is_disabled || user.organization != *home => Err("unauthenticated"),
                    // A guest's key owns what was made with it alone.
                    Role::Guest => Ok((Role::Guest, *own)),
                    role => Ok((role, user.organization)),
                }
            }
        }
    }

    /// What stands in the header of its requests.
    pub fn bearer(&self, caller: usize) -> Option<&str> {
        match &self.all[caller].credential {
            Credential::Nothing => None,
            Credential::Token(token) => Some(token),
            Credential::Key { secret, .. } => Some(secret),
        }
    }
}
