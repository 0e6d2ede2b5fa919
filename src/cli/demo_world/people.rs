use loadmaster_accounts::{AccountError, AdministrationService, NewUser, Role, UserService};
use secrecy::SecretString;

use crate::app::AppState;

/// Somebody who can sign in.
pub struct SignIn {
    pub title: &'static str,
    pub email: &'static str,
    pub password: SecretString,
}

/// A person of the demo.
pub(super) struct Person {
    pub email: &'static str,
    pub name: &'static str,
    pub role: Role,
    /// Shown to whoever starts the demo.
    pub title: Option<&'static str>,
}

const fn company(email: &'static str, name: &'static str) -> Person {
    Person { email, name, role: Role::Customer, title: None }
}

/// Invented companies, the first of which whoever starts the demo may be.
pub(super) const SHIPPERS: [Person; 6] = [
    Person {
        email: "shipper@loadmaster.example",
        name: "Bluewater Forwarding",
        role: Role::Customer,
        title: Some("Shipper"),
    },
    company("teas@himalaya-teas.example", "Himalaya Tea Exports"),
    company("cargo@nordlicht.example", "Nordlicht Maschinenbau"),
    company("desk@meridian-pharma.example", "Meridian Pharma Logistics"),
    company("ship@sunrise-garments.example", "Sunrise Garments"),
    company("parts@orbital-parts.example", "Orbital Aircraft Parts"),
];

pub(super) const AGENT: Person = Person {
    email: "station@loadmaster.example",
    name: "Station agent",
    role: Role::Operator,
    title: Some("Station agent"),
};

pub(super) const DUTY_MANAGER: Person =
    Person { email: "duty@loadmaster.example", name: "Duty manager", role: Role::Admin, title: None };

/// Creates those who do not exist; returns the sign-ins of those who have a title.
pub(super) async fn create(state: &AppState) -> anyhow::Result<Vec<SignIn>> {
    let (users, accounts): (UserService, AdministrationService) = (state.service()?, state.service()?);
    let mut sign_ins = Vec::new();
    for person in SHIPPERS.iter().chain([&AGENT, &DUTY_MANAGER]) {
        match users.find_by_email(person.email).await {
            Err(AccountError::Unknown(_)) => {}
            found => {
                found?;
                continue;
            }
        }
        let password = accounts.generate_password()?;
        let new = NewUser {
            email: person.email.to_owned(),
            name: Some(person.name.to_owned()),
            role: person.role,
            password: password.clone(),
        };
        accounts.create_user(new).await?;
        sign_ins.extend(person.title.map(|title| SignIn { title, email: person.email, password }));
    }
    Ok(sign_ins)
}
