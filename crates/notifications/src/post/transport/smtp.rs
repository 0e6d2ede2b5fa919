use std::{
    error::Error as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context;
use lettre::{
    Address, Message,
    address::Envelope,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Mail, Quit, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use loadmaster_platform::settings;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout};
use url::Url;

use super::Delivery;

/// A connection is used again within this time after its last letter, and for so many letters.
const LONGEST_IDLE: Duration = Duration::from_secs(20);
const MOST_LETTERS: u32 = 100;
/// Connections that are kept while there is nothing to send.
const MOST_IDLE: usize = 8;
/// The whole dialogue, in steps of the longest wait for one.
const STEPS: u32 = 6;

/// An SMTP relay. `lettre`'s own pool bounds no step of a dialogue and does not say which one failed
/// (docs/adr/0013-one-loop-under-the-queues.md).
pub(in super::super) struct Relay {
    host: String,
    port: u16,
    security: Security,
    login: Option<(String, SecretString)>,
    hello: ClientId,
    /// Longest wait for one step of the dialogue.
    step: Duration,
    idle: Mutex<Vec<Open>>,
}

enum Security {
    None,
    StartTls(TlsParameters),
    Tls(TlsParameters),
}

struct Open {
    connection: AsyncSmtpConnection,
    letters: u32,
    since: Instant,
}

/// A step that went wrong. `says` is the relay's code with the step, or what happened.
struct Fault {
    says: String,
    code: Option<u16>,
    /// The code of RFC 3463, if the relay gives one.
    enhanced: Option<String>,
}

/// Where a dialogue stopped.
enum Stop {
    /// Before the letter.
    Opening(Fault),
    Sender(Fault),
    Receiver(Fault),
    Content(Fault),
}

impl Relay {
    pub fn new(settings: &settings::Mail, domain: &str, step: Duration) -> anyhow::Result<Self> {
        let url = settings.url.as_ref().context("mail.url is not set")?;
        let url = Url::parse(url.expose_secret()).context("mail.url is not valid")?;
        let host = url.host_str().context("mail.url has no host")?.trim_matches(['[', ']']).to_owned();
        let is_required = url.query_pairs().any(|(key, value)| (&*key, &*value) == ("tls", "required"));
        let (security, port) = match url.scheme() {
            "smtps" => (Security::Tls(parameters(&host, settings)?), 465),
            _ if is_required => (Security::StartTls(parameters(&host, settings)?), 587),
            _ => (Security::None, 25),
        };
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned);
        let login = match url.username() {
            "" => None,
            user => {
                let password = decoded(url.password().unwrap_or_default()).context("mail.url is not UTF-8")?;
                Some((decoded(user).context("mail.url is not UTF-8")?, password.into()))
            }
        };
        Ok(Self {
            host,
            port: url.port().unwrap_or(port),
            security,
            login,
            hello: ClientId::Domain(domain.to_owned()),
            step,
            idle: Mutex::default(),
        })
    }

    /// Sends a mail. Each step of the dialogue has its bound, and so has the whole of it.
    pub async fn deliver(&self, mail: &Message) -> Delivery {
        let envelope = mail.envelope();
        let bytes = mail.formatted();
        let dialogue = async {
            if let Some(open) = self.take() {
                match self.send(open, envelope, &bytes).await {
                    // The relay may have closed it while it was idle.
                    Err(Stop::Sender(fault)) if fault.code.is_none_or(|code| code == 421) => {}
                    ended => return ended,
                }
            }
            let open = self.open().await.map_err(Stop::Opening)?;
            self.send(open, envelope, &bytes).await
        };
        match timeout(self.step * STEPS, dialogue).await {
            Ok(Ok(())) => Delivery::Delivered,
            Ok(Err(stop)) => judge(stop),
            Err(_) => Delivery::Later("the dialogue took too long".to_owned()),
        }
    }

    fn take(&self) -> Option<Open> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|open| open.since.elapsed() < LONGEST_IDLE);
        idle.pop()
    }

    async fn open(&self) -> Result<Open, Fault> {
        let tls = match &self.security {
            Security::Tls(parameters) => Some(parameters.clone()),
            Security::None | Security::StartTls(_) => None,
        };
        let server = (self.host.as_str(), self.port);
        let connecting = AsyncSmtpConnection::connect_tokio1(server, Some(self.step), &self.hello, tls, None);
        let mut connection = self.bounded("connecting", connecting).await?;
        if let Security::StartTls(parameters) = &self.security {
            self.bounded("STARTTLS", connection.starttls(parameters.clone(), &self.hello)).await?;
        }
        if let Some((user, password)) = &self.login {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            self.bounded("AUTH", connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials)).await?;
        }
        Ok(Open { connection, letters: 0, since: Instant::now() })
    }

    async fn send(&self, mut open: Open, envelope: &Envelope, bytes: &[u8]) -> Result<(), Stop> {
        let connection = &mut open.connection;
        let mut parameters = Vec::new();
        let is_ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        if !envelope.from().into_iter().chain(envelope.to()).all(is_ascii) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Stop::Content(Fault::own("the relay takes no addresses beyond ASCII")));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !bytes.is_ascii() {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let mail = Mail::new(envelope.from().cloned(), parameters);
        self.bounded("MAIL", connection.command(mail)).await.map_err(Stop::Sender)?;
        for to in envelope.to() {
            let rcpt = Rcpt::new(to.clone(), Vec::new());
            if let Err(fault) = self.bounded("RCPT", connection.command(rcpt)).await {
                _ = timeout(self.step / 4, connection.command(Quit)).await;
                return Err(Stop::Receiver(fault));
            }
        }
        self.bounded("DATA", connection.command(Data)).await.map_err(Stop::Content)?;
        self.bounded("the content", connection.message(bytes)).await.map_err(Stop::Content)?;
        open.letters += 1;
        open.since = Instant::now();
        self.put_back(open).await;
        Ok(())
    }

    async fn put_back(&self, mut open: Open) {
        if open.letters >= MOST_LETTERS {
            _ = timeout(self.step / 4, open.connection.command(Quit)).await;
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(open);
        }
    }

    /// Says good-bye to the relay.
    pub async fn close(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for mut open in idle {
            _ = timeout(self.step / 10, open.connection.command(Quit)).await;
        }
    }

    async fn bounded<T>(&self, step: &str, work: impl Future<Output = Result<T, Error>>) -> Result<T, Fault> {
        match timeout(self.step, work).await {
            Ok(done) => done.map_err(|error| Fault::of(step, &error)),
            Err(_) => Err(Fault::own(&format!("no answer in time at {step}"))),
        }
    }
}

fn parameters(host: &str, settings: &settings::Mail) -> anyhow::Result<TlsParameters> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = &settings.ca_file {
        let pem = std::fs::read(path).with_context(|| format!("mail.ca_file: {} cannot be read", path.display()))?;
        let wrong = || format!("mail.ca_file: {} holds no certificate", path.display());
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).with_context(wrong)?);
    }
    builder.build_rustls().context("TLS to the relay cannot be set up")
}

impl Fault {
    fn own(says: &str) -> Self {
        Self { says: says.to_owned(), code: None, enhanced: None }
    }

    /// The relay's words may hold an address: only its codes are kept.
    fn of(step: &str, error: &Error) -> Self {
        let code = error.status().map(u16::from);
        let words = error.source().map(ToString::to_string).unwrap_or_default();
        let enhanced = words.split_whitespace().next().filter(|word| is_enhanced(word));
        let says = match code {
            Some(code) => format!("SMTP {code}{} at {step}", enhanced.map(|e| format!(" {e}")).unwrap_or_default()),
            None if error.is_tls() => format!("no TLS at {step}"),
            None if error.is_client() => format!("{step} is not possible with this relay"),
            None => format!("no answer at {step}"),
        };
        Self { says, code, enhanced: enhanced.map(str::to_owned) }
    }

    fn is_permanent(&self) -> bool {
        self.code.is_some_and(|code| (500..600).contains(&code))
    }

    /// The relay closes the connection or wants us to log in. No step has another meaning for these codes.
    fn is_about_us(&self) -> bool {
        matches!(self.code, Some(421 | 530 | 534 | 535 | 538))
    }

    /// The relay does not understand us. Of a receiver or a content it may also mean that this one is faulty: `501 5.1.3`.
    fn is_of_protocol(&self) -> bool {
        matches!(self.code, Some(500..=504))
    }

    fn has(&self, classes: &[&str]) -> bool {
        self.enhanced.as_deref().is_some_and(|code| classes.iter().any(|class| code.starts_with(class)))
    }

    /// Some relays refuse the sender, or us, only when they learn the receiver.
    fn is_of_sender(&self) -> bool {
        self.has(&["5.7."]) || matches!(self.enhanced.as_deref(), Some("5.1.7" | "5.1.8"))
    }

    /// No such user, a mailbox that is disabled or full; 5.2.3 is a letter that is too large for it.
    fn names_receiver(&self) -> bool {
        self.has(&["5.1.", "5.2."]) && !self.is_of_sender() && self.enhanced.as_deref() != Some("5.2.3")
    }
}

/// RFC 3463.
fn is_enhanced(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    parts.len() == 3
        && parts.iter().all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
}

fn judge(stop: Stop) -> Delivery {
    match stop {
        Stop::Opening(fault) => Delivery::Away(fault.says),
        Stop::Sender(fault) | Stop::Receiver(fault) | Stop::Content(fault) if fault.is_about_us() => {
            Delivery::Away(fault.says)
        }
        Stop::Sender(fault) if fault.is_of_protocol() => Delivery::Away(fault.says),
        // A bad sequence of commands.
        Stop::Receiver(fault) if fault.code == Some(503) => Delivery::Away(fault.says),
        Stop::Receiver(fault) if fault.is_permanent() && !fault.is_of_sender() => Delivery::NoSuchAddress(fault.says),
        Stop::Content(fault) if fault.is_permanent() && fault.names_receiver() => Delivery::NoSuchAddress(fault.says),
        Stop::Sender(fault) | Stop::Receiver(fault) | Stop::Content(fault) if fault.is_permanent() => {
            Delivery::Refused(fault.says)
        }
        Stop::Sender(fault) | Stop::Receiver(fault) | Stop::Content(fault) => Delivery::Later(fault.says),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer such as `550 5.1.1`.
    fn fault(answer: &str) -> Fault {
        let (code, enhanced) = answer.split_once(' ').unwrap_or((answer, ""));
        let enhanced = Some(enhanced.to_owned()).filter(|word| is_enhanced(word));
        Fault { says: "x".to_owned(), code: Some(code.parse().unwrap()), enhanced }
    }

    #[test]
    fn only_a_refused_receiver_ends_messages_to_an_address() {
        let said = || "x".to_owned();
        for answer in ["550", "550 5.1.1", "501 5.1.3", "500", "502", "504", "552 5.2.2", "553", "554 5.5.0"] {
            assert_eq!(judge(Stop::Receiver(fault(answer))), Delivery::NoSuchAddress(said()), "{answer}");
        }
        for answer in ["550 5.7.1", "550 5.1.8", "553 5.1.7"] {
            assert_eq!(judge(Stop::Receiver(fault(answer))), Delivery::Refused(said()), "{answer}");
        }
        for answer in ["550 5.1.1", "552 5.2.2", "550 5.2.1"] {
            assert_eq!(judge(Stop::Content(fault(answer))), Delivery::NoSuchAddress(said()), "{answer}");
        }
        for answer in ["554", "554 5.6.0", "550 5.7.1", "552 5.2.3", "550 5.1.8", "501", "503 5.5.1"] {
            assert_eq!(judge(Stop::Content(fault(answer))), Delivery::Refused(said()), "{answer}");
        }
        assert_eq!(judge(Stop::Receiver(fault("450 4.2.2"))), Delivery::Later(said()));
        assert_eq!(judge(Stop::Sender(fault("553 5.1.8"))), Delivery::Refused(said()));
    }

    #[test]
    fn an_answer_about_us_rests_the_channel() {
        let said = || "x".to_owned();
        for code in ["421", "530 5.7.0", "535", "538"] {
            for stop in [Stop::Sender, Stop::Receiver, Stop::Content] {
                assert_eq!(judge(stop(fault(code))), Delivery::Away(said()), "{code}");
            }
        }
        for code in ["500", "501", "502", "503", "504"] {
            assert_eq!(judge(Stop::Sender(fault(code))), Delivery::Away(said()), "{code}");
        }
        assert_eq!(judge(Stop::Receiver(fault("503 5.5.1"))), Delivery::Away(said()));
        for code in ["421", "454", "501", "535", "554"] {
            assert_eq!(judge(Stop::Opening(fault(code))), Delivery::Away(said()), "{code}");
        }
    }

    #[test]
    fn codes_of_rfc_3463_are_distinguished_from_words() {
        assert!(is_enhanced("5.1.1") && is_enhanced("4.7.650"));
        for word in ["5.1", "5.1.1.1", "ann@example.org", "5..1", "a.b.c", "10.0.0.12345"] {
            assert!(!is_enhanced(word), "{word}");
        }
    }
}
