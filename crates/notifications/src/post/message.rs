use chrono::{DateTime, Utc};
use lettre::{
    Address as MailAddress, Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use loadmaster_kernel::{LetterId, with_ascii_domain};

use super::{
    model::Address,
    templates::{Text, one_line},
};

/// Longest name of a receiver in a header, in characters.
const LONGEST_NAME: usize = 100;

/// The address or a header cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the letter cannot be written as a mail")]
pub(super) struct Unwritable;

/// Writes the mail: text and HTML, with the headers of an automatic message. `unsubscribe` is the address that takes the
/// one-click request of RFC 8058.
pub(super) fn mail(
    id: LetterId,
    from: &Mailbox,
    to: &Address,
    text: &Text,
    unsubscribe: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Message, Unwritable> {
    // Not each server takes a domain in other letters.
    let address = with_ascii_domain(&to.text).ok_or(Unwritable)?;
    let address: MailAddress = address.parse().map_err(|_| Unwritable)?;
    let name = to.name.as_deref().map(|name| one_line(name, LONGEST_NAME)).filter(|name| !name.is_empty());
    let message_id = format!("<{id}@{}>", from.email.domain());
    let mut builder = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(name, address))
        .subject(text.subject.clone())
        .date(now.into())
        .message_id(Some(message_id))
        .raw_header(header("Auto-Submitted", "auto-generated"));
    if let Some(url) = unsubscribe {
        builder = builder
            .raw_header(unfolded("List-Unsubscribe", format!("<{url}>"))?)
            .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
    }
    let html = text.html.clone().unwrap_or_default();
    builder.multipart(MultiPart::alternative_plain_html(text.plain.clone(), html)).map_err(|_| Unwritable)
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// A header that clients read without knowing RFC 2047. Our own addresses have visible ASCII only, as have their tokens.
fn unfolded(name: &'static str, value: String) -> Result<HeaderValue, Unwritable> {
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Unwritable);
    }
    Ok(HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.clone(), value))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn written(to: &Address, subject: &str, unsubscribe: Option<&str>) -> Result<String, Unwritable> {
        let from: Mailbox = "Example Cargo <cargo@example.com>".parse().unwrap();
        let text =
            Text { subject: subject.to_owned(), plain: "Ä\n.\nb".to_owned(), html: Some("<p>Ä</p>".to_owned()) };
        let id = Uuid::from_u128(7).into();
        let mail = mail(id, &from, to, &text, unsubscribe, DateTime::UNIX_EPOCH)?;
        Ok(String::from_utf8(mail.formatted()).unwrap())
    }

    /// The names of the headers.
    fn names(mail: &str) -> Vec<&str> {
        let head = mail.split("\r\n\r\n").next().unwrap();
        let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        lines.map(|line| line.split(':').next().unwrap()).collect()
    }

    #[test]
    fn a_mail_has_these_headers_and_a_name_adds_none() {
        let name = "Eve\r\nBcc: eve@example.net\r\n\r\nhello\u{85}\u{2028}\0<x@y>, \"q\" é";
        let to = Address { text: "ann@example.org".to_owned(), name: Some(name.to_owned()) };
        let mail = written(&to, "Zoll & Fracht: é", None).unwrap();
        let expected =
            ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"];
        assert_eq!(names(&mail), expected, "{mail}");
        assert!(mail.contains("Message-ID: <00000000-0000-0000-0000-000000000007@example.com>\r\n"), "{mail}");
        assert!(mail.is_ascii());
    }

    #[test]
    fn one_click_unsubscribing_is_offered_in_one_piece() {
        let url = format!("https://cargo.example.com/unsubscribe/{}", "aB3-_".repeat(40));
        let mail = written(&Address::of("ann@example.org"), "Departed", Some(&url)).unwrap();
        assert!(mail.contains(&format!("List-Unsubscribe: <{url}>\r\n")), "{mail}");
        assert!(mail.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"), "{mail}");
        let hostile = "https://cargo.example.com/\r\nBcc: eve@example.net";
        assert!(written(&Address::of("ann@example.org"), "Departed", Some(hostile)).is_err());
    }

    #[test]
    fn an_address_that_is_none_is_not_written_to() {
        for text in ["", "ann", "ann@example.org\r\nBcc: eve@example.net", "ann@example.org, eve@example.net", "+4420"]
        {
            assert!(written(&Address::of(text), "Departed", None).is_err(), "{text:?}");
        }
    }
}
