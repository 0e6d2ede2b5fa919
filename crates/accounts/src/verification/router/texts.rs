//! What the pages say, in each language.
use loadmaster_kernel::Fault;
use loadmaster_platform::web::Page;

use crate::people::AccountLanguage;

/// What is said of a link that does not work, also to programs.
pub(super) const NO_GOOD: &str = "This link is wrong, used or expired. Ask for a new one.";

/// The texts of the pages in one language.
pub(super) struct Texts {
    /// Language tag.
    tag: &'static str,
    pub verification: &'static str,
    pub press: &'static str,
    confirm: &'static str,
    pub confirmed: &'static str,
    pub is_confirmed: &'static str,
    pub reset: &'static str,
    pub no_good: &'static str,
    new_password: &'static str,
    end_all: &'static str,
    set: &'static str,
    /// Of a password that is refused.
    pub refused: fn(&Fault) -> String,
    pub done: &'static str,
    pub is_set: &'static str,
}

impl Texts {
    pub fn of(language: AccountLanguage) -> &'static Self {
        match language {
            AccountLanguage::English => &ENGLISH,
            AccountLanguage::German => &GERMAN,
        }
    }

    pub fn page(&self, title: &'static str) -> Page {
        Page::new(title).in_language(self.tag)
    }

    /// The button that confirms an address, as HTML.
    pub fn confirmation(&self) -> String {
        format!("<button type=\"submit\">{}</button>", self.confirm)
    }

    /// The fields for a new password, as HTML.
    pub fn password(&self) -> String {
        let Self { new_password, end_all, set, .. } = self;
        format!(
            "<p><label>{new_password}<br>\
             <input type=\"password\" name=\"new\" required minlength=\"10\" maxlength=\"128\" autocomplete=\"new-password\">\
             </label></p>\n\
             <p><label><input type=\"checkbox\" name=\"end_all\" value=\"true\"> {end_all}</label></p>\n\
             <button type=\"submit\">{set}</button>"
        )
    }
}

static ENGLISH: Texts = Texts {
    tag: "en",
    verification: "Confirm your e-mail address",
    press: "Press the button to confirm that this e-mail address is yours.",
    confirm: "Confirm",
    confirmed: "Confirmed",
    is_confirmed: "Your e-mail address is confirmed. You can close this page.",
    reset: "Set a new password",
    no_good: NO_GOOD,
    new_password: "New password",
    end_all: "End all my API keys and webhooks, too: somebody else may have made or seen them",
    set: "Set the password",
    refused: |fault| format!("The new password {fault}."),
    done: "Done",
    is_set: "Your password is set, and all sessions have ended. Log in with it.",
};

static GERMAN: Texts = Texts {
    tag: "de",
    verification: "Bestätigen Sie Ihre E-Mail-Adresse",
    press: "Drücken Sie auf die Schaltfläche, um zu bestätigen, dass diese E-Mail-Adresse Ihnen gehört.",
    confirm: "Bestätigen",
    confirmed: "Bestätigt",
    is_confirmed: "Ihre E-Mail-Adresse ist bestätigt. Sie können diese Seite schließen.",
    reset: "Neues Passwort setzen",
    no_good: "Dieser Link ist falsch, verbraucht oder abgelaufen. Fordern Sie einen neuen an.",
    new_password: "Neues Passwort",
    end_all: "Auch alle meine API-Schlüssel und Webhooks beenden: Jemand anderes kann sie angelegt oder gesehen haben",
    set: "Passwort setzen",
    refused: |_| {
        "Das neue Passwort ist nicht möglich. Es muss 10 bis 128 Zeichen haben und darf weder verbreitet noch Ihre \
         E-Mail-Adresse oder der Teil vor ihrem @ sein."
            .to_owned()
    },
    done: "Erledigt",
    is_set: "Ihr Passwort ist gesetzt, und alle Sitzungen sind beendet. Melden Sie sich mit dem neuen Passwort an.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_do_not_matter_and_other_languages_get_english() {
        let tag = |of| Texts::of(AccountLanguage::of_tag(of)).tag;
        assert_eq!(["de", "de-AT", "DE", "en-GB", "nl", ""].map(tag), ["de", "de", "de", "en", "en", "en"]);
    }
}
