use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};

/// A step of the dialogue, at which the server can misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SmtpStep {
    Greeting,
    Hello,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// After the content: what misbehaves without a refusal has taken the mail.
    Content,
}

/// What the server does in place of a good answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpFault {
    /// Says this.
    Says(&'static str),
    /// Never answers.
    Hangs,
    /// Closes the connection.
    Closes,
}

/// A mail that the server has taken.
#[derive(Debug, Clone)]
pub struct TakenMail {
    pub from: String,
    pub to: Vec<String>,
    /// With the dots as the author wrote them, and LF for line ends.
    pub content: String,
}

impl TakenMail {
    /// A header, unfolded; empty if it is not there.
    pub fn header(&self, name: &str) -> String {
        let head = self.content.split("\n\n").next().unwrap_or_default().replace("\n ", " ").replace("\n\t", " ");
        let wanted = format!("{}:", name.to_lowercase());
        let line = head.lines().find(|line| line.to_lowercase().starts_with(&wanted));
        line.map(|line| line[wanted.len()..].trim().to_owned()).unwrap_or_default()
    }

    /// The content of all parts, without the soft line ends of quoted-printable.
    pub fn text(&self) -> String {
        self.content.replace("=\n", "").replace("=3D", "=")
    }
}

#[derive(Default)]
struct State {
    /// Those of one connection, the first being number one, and of all.
    faults: HashMap<(Option<usize>, SmtpStep), SmtpFault>,
    taken: Vec<TakenMail>,
    connections: usize,
    dialogues: Vec<AbortHandle>,
    logins: Vec<String>,
}

/// A small SMTP server (RFC 5321) that can fail, hang or close at each step of the dialogue.
pub struct SmtpServer {
    pub port: u16,
    state: Arc<Mutex<State>>,
    serving: Option<AbortHandle>,
}

impl SmtpServer {
    pub async fn start() -> Self {
        let mut this = Self { port: 0, state: Arc::default(), serving: None };
        this.open().await;
        this
    }

    /// Listens, on the same port as before.
    pub async fn open(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        let state = self.state.clone();
        let serving = tokio::spawn(async move {
            let mut dialogues = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let mut books = state.lock().unwrap();
                books.connections += 1;
                let dialogue = Dialogue::new(stream, books.connections, state.clone());
                let dialogue = dialogues.spawn(async move {
                    _ = dialogue.run().await;
                });
                books.dialogues.push(dialogue);
            }
        });
        self.serving = Some(serving.abort_handle());
    }

    /// Goes away: nobody listens any more, and open connections are lost.
    pub async fn close(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            while !serving.is_finished() {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Open connections are lost.
    pub fn hang_up(&self) {
        for dialogue in self.state.lock().unwrap().dialogues.drain(..) {
            dialogue.abort();
        }
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    pub fn fail(&self, step: SmtpStep, fault: SmtpFault) {
        self.state.lock().unwrap().faults.insert((None, step), fault);
    }

    /// The connection of this number alone misbehaves.
    pub fn fail_on(&self, connection: usize, step: SmtpStep, fault: SmtpFault) {
        self.state.lock().unwrap().faults.insert((Some(connection), step), fault);
    }

    pub fn heal(&self) {
        self.state.lock().unwrap().faults.clear();
    }

    pub fn taken(&self) -> Vec<TakenMail> {
        self.state.lock().unwrap().taken.clone()
    }

    pub fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    /// What clients gave as `AUTH`.
    pub fn logins(&self) -> Vec<String> {
        self.state.lock().unwrap().logins.clone()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

struct Dialogue {
    stream: BufReader<TcpStream>,
    number: usize,
    state: Arc<Mutex<State>>,
}

impl Dialogue {
    fn new(stream: TcpStream, number: usize, state: Arc<Mutex<State>>) -> Self {
        Self { stream: BufReader::new(stream), number, state }
    }

    /// `None`: the connection is closed.
    async fn run(mut self) -> Option<()> {
        self.answer(SmtpStep::Greeting, "220 relay.test ready").await?;
        let (mut from, mut to) = (String::new(), Vec::new());
        loop {
            let line = self.line().await?;
            let verb = line.split_whitespace().next().unwrap_or_default().to_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    self.answer(SmtpStep::Hello, "250-relay.test\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME").await?;
                }
                "AUTH" => {
                    self.state.lock().unwrap().logins.push(line[5..].to_owned());
                    self.answer(SmtpStep::Auth, "235 2.7.0 welcome").await?;
                }
                "MAIL" => {
                    (from, to) = (address_in(&line), Vec::new());
                    self.answer(SmtpStep::Mail, "250 2.1.0 ok").await?;
                }
                "RCPT" => {
                    self.answer(SmtpStep::Rcpt, "250 2.1.5 ok").await?;
                    to.push(address_in(&line));
                }
                "DATA" => {
                    self.answer(SmtpStep::Data, "354 go on").await?;
                    let content = self.content().await?;
                    let mail = TakenMail { from: from.clone(), to: to.clone(), content };
                    let is_refused = matches!(self.fault(SmtpStep::Content), Some(SmtpFault::Says(_)));
                    if !is_refused {
                        self.state.lock().unwrap().taken.push(mail);
                    }
                    self.answer(SmtpStep::Content, "250 2.0.0 taken").await?;
                }
                "QUIT" => {
                    self.say("221 2.0.0 bye").await?;
                    return None;
                }
                _ => self.say("500 5.5.2 what").await?,
            }
        }
    }

    fn fault(&self, step: SmtpStep) -> Option<SmtpFault> {
        let faults = &self.state.lock().unwrap().faults;
        [Some(self.number), None].into_iter().find_map(|connection| faults.get(&(connection, step)).copied())
    }

    async fn answer(&mut self, step: SmtpStep, good: &str) -> Option<()> {
        match self.fault(step) {
            None => self.say(good).await,
            Some(SmtpFault::Says(text)) => self.say(text).await,
            Some(SmtpFault::Closes) => None,
            Some(SmtpFault::Hangs) => std::future::pending().await,
        }
    }

    async fn say(&mut self, text: &str) -> Option<()> {
        self.stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).await.ok()
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line).await.ok()?;
        (read > 0).then(|| line.trim_end().to_owned())
    }

    async fn content(&mut self) -> Option<String> {
        let mut content = String::new();
        loop {
            let line = self.line().await?;
            if line == "." {
                return Some(content);
            }
            content.push_str(line.strip_prefix('.').unwrap_or(&line));
            content.push('\n');
        }
    }
}

fn address_in(line: &str) -> String {
    let start = line.find('<').map_or(0, |at| at + 1);
    line[start..].split('>').next().unwrap_or_default().to_owned()
}
