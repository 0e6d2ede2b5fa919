use std::str::FromStr;

use loadmaster_kernel::{AirportCode, Fault};
use loadmaster_platform::web::{Fields, Patch, Raw, read};
use secrecy::SecretString;
use utoipa::ToSchema;

use crate::{
    credentials::Password,
    people::{AccountLanguage, Email, KnownAirports, MAX_TEXT, WeightUnit, read_name},
};

/// Changes to your own account.
#[derive(Debug, ToSchema)]
pub(super) struct ChangeMe {
    /// `null` clears the name.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500)]
    pub name: Patch<String>,
    /// `+`, country and number, kept without what stands between the digits; `null` clears it. A new number gets six digits,
    /// which verify it.
    #[schema(value_type = Option<String>, pattern = r"^\+[ .()/~-]*[1-9]([ .()/~-]*[0-9]){6,16}[ .()/~-]*$",
             max_length = 40, example = "+442079460123")]
    pub phone: Patch<String>,
    /// The language of the console and of letters; `null`: that of the browser, and for letters that of the installation. A new
    /// language replaces the `language` of the notification preferences.
    #[schema(value_type = Option<AccountLanguage>)]
    pub language: Patch<AccountLanguage>,
    /// The unit in which the console enters and shows weights.
    #[schema(value_type = WeightUnit, required = false)]
    pub weight_unit: Option<WeightUnit>,
    /// IATA code of the airport with which the console begins a search; `null`: none.
    #[schema(value_type = Option<AirportCode>)]
    pub home_airport: Patch<AirportCode>,
}

impl ChangeMe {
    pub fn read(fields: &mut Fields<'_>, airports: &KnownAirports) -> Self {
        Self {
            name: fields.patch("name", read_name),
            phone: fields.patch("phone", read::phone),
            language: fields.patch("language", read::word(AccountLanguage::WORDS)),
            weight_unit: fields.not_null("weight_unit", read::word(WeightUnit::WORDS)),
            home_airport: fields.patch("home_airport", |raw: Raw<'_>| airports.read(raw)),
        }
    }
}

/// The token of a link.
#[derive(Debug, ToSchema)]
pub(super) struct VerifyEmail {
    /// The token of the link.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 500)]
    pub token: SecretString,
}

impl VerifyEmail {
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { token: fields.required("token", read::line(MAX_TEXT))?.into() })
    }
}

/// The token in the path of a link: opaque, and of visible ASCII.
#[derive(Debug)]
pub(super) struct LinkToken(pub String);

impl FromStr for LinkToken {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let is_one = text.len() <= MAX_TEXT && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_one { Ok(Self(text.to_owned())) } else { Err(Fault::format("must be a token")) }
    }
}

/// The digits of a text message.
#[derive(Debug, ToSchema)]
pub(super) struct VerifyPhone {
    /// The six digits of the message.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 20, example = "012345")]
    pub code: SecretString,
}

impl VerifyPhone {
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { code: fields.required("code", read::line(20))?.into() })
    }
}

/// Whose password is forgotten.
#[derive(Debug, ToSchema)]
pub(super) struct ForgottenPassword {
    /// E-mail address.
    #[schema(value_type = String, format = Email, max_length = 254, example = "ann@forwarder.example")]
    pub email: Email,
}

impl ForgottenPassword {
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { email: fields.required("email", Email::read)? })
    }
}

/// A new password, with the token of a link.
#[derive(Debug, ToSchema)]
pub(super) struct NewPassword {
    /// The token of the link.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 500)]
    pub token: SecretString,
    /// Must be neither a common password nor the e-mail address.
    #[schema(value_type = String, format = Password, min_length = 10, max_length = 128)]
    pub new: Password,
    /// `true` ends all API keys of the account, and the webhooks that the user or they made. Default: only what was made before
    /// the address was verified.
    pub end_all: Option<bool>,
}

impl NewPassword {
    /// The token, by which the account is found whose address may not be the password. Faults are reported later.
    #[expect(clippy::unnecessary_wraps, reason = "a body is read by functions of this form")]
    pub fn token_alone(fields: &mut Fields<'_>) -> Option<String> {
        let token = fields.optional("token", |raw| Ok(read::any(raw).unwrap_or_default()));
        fields.optional("new", |_| Ok(()));
        fields.optional("end_all", |_| Ok(()));
        Some(token.unwrap_or_default())
    }

    /// The same from the path and the form of a page.
    pub fn of_form(token: &str, new: &str, end_all: bool, email: &Email) -> Result<Self, Fault> {
        let new = Password::choose(Raw::Text(new), Some(email))?;
        Ok(Self { token: token.into(), new, end_all: Some(end_all) })
    }

    pub fn read(fields: &mut Fields<'_>, email: Option<&Email>) -> Option<Self> {
        let token = fields.required("token", read::line(MAX_TEXT));
        let new = fields.required("new", |raw| Password::choose(raw, email));
        let end_all = fields.optional("end_all", read::boolean);
        Some(Self { token: token?.into(), new: new?, end_all })
    }
}
