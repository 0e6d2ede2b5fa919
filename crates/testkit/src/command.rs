//! Running the binary.
use std::{
    io::Write,
    process::{Output, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdout, Command},
};

use crate::{Client, TestDatabase, own_host, pooler, process::program};

/// Nothing that is awaited here takes nearly as long.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a run left behind.
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Done {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it ended by itself"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What was printed, after making sure that the command succeeded.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// The one sentence that a failed command says.
    #[track_caller]
    pub fn complained(self) -> String {
        assert_eq!(self.code, 1, "{}{}", self.stdout, self.stderr);
        let complaints: Vec<_> = self.stderr.lines().filter(|line| line.starts_with("loadmaster: ")).collect();
        // Progress is told in the same way, but ends with an ellipsis.
        let complaints: Vec<_> = complaints.into_iter().filter(|line| !line.ends_with('…')).collect();
        let [complaint] = complaints.as_slice() else { panic!("not one sentence: {}", self.stderr) };
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        (*complaint).to_owned()
    }
}

/// The binary with these arguments and nothing in its environment but a path, in an empty directory.
pub struct Loadmaster {
    command: Command,
    stdin: Option<String>,
    directory: tempfile::TempDir,
}

pub fn loadmaster(arguments: &[&str]) -> Loadmaster {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(program());
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir(directory.path());
    command.env("LOADMASTER_TEST_TIMING", "brief");
    if pooler().is_some() {
        command.env("LOADMASTER_DATABASE__TRANSACTION_POOLER", "true");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    Loadmaster { command, stdin: None, directory }
}

impl Loadmaster {
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// With both roles, as in an installation.
    pub fn on(mut self, database: &TestDatabase) -> Self {
        self.command.envs(database.environment());
        self
    }

    /// With the serving role alone.
    pub fn serving(mut self, database: &TestDatabase) -> Self {
        self = self.on(database);
        self.command.env_remove("LOADMASTER_DATABASE__OWNER_URL");
        self
    }

    pub fn stdin(mut self, text: &str) -> Self {
        self.command.stdin(Stdio::piped());
        self.stdin = Some(text.to_owned());
        self
    }

    /// Writes a file into the directory that the command runs in.
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.directory.path().join(name), content).unwrap();
        self
    }

    /// Logs into this file: a talkative server fills a pipe that is read only at its end.
    pub fn logging_into(mut self, file: &std::path::Path) -> Self {
        self.command.stderr(std::fs::File::create(file).unwrap());
        self
    }

    pub async fn run(self) -> Done {
        self.run_within(PATIENCE).await
    }

    /// Runs what may take longer than anything else.
    pub async fn run_within(mut self, patience: Duration) -> Done {
        let mut child = self.command.spawn().unwrap();
        if let Some(text) = self.stdin {
            // Whoever does not read it has failed before; the pipe's end tells no more.
            _ = child.stdin.take().unwrap().write_all(text.as_bytes()).await;
        }
        Done::of(tokio::time::timeout(patience, child.wait_with_output()).await.expect("it ends").unwrap())
    }

    /// Runs it at a terminal. When the command has asked, does something else, and then answers.
    pub async fn answering(mut self, meanwhile: impl AsyncFnOnce(), answer: &str) -> Done {
        let terminal = nix::pty::openpty(None, None).unwrap();
        self.command.stdin(terminal.slave);
        let mut child = self.command.spawn().unwrap();
        let (mut stderr, mut said) = (child.stderr.take().unwrap(), Vec::new());
        let asked = async {
            while !said.ends_with(b"[y/N] ") {
                assert_ne!(stderr.read_buf(&mut said).await.unwrap(), 0, "{}", String::from_utf8_lossy(&said));
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.expect("it asks");
        meanwhile().await;
        // Kept until the command ends: what is typed is lost with its terminal.
        let mut keyboard = std::fs::File::from(terminal.master);
        keyboard.write_all(format!("{answer}\n").as_bytes()).unwrap();
        let ended = async {
            stderr.read_to_end(&mut said).await.unwrap();
            child.wait_with_output().await.unwrap()
        };
        let output = tokio::time::timeout(PATIENCE, ended).await.expect("it ends");
        Done::of(Output { stderr: said, ..output })
    }

    /// Starts a server on a host of its own: any other test may have the port elsewhere.
    pub fn serve(self) -> Serving {
        self.serve_at(&own_host())
    }

    pub fn serve_at(mut self, host: &str) -> Serving {
        self.command.args(["--set", &format!("server.host={host}"), "--set", &format!("server.port={PORT}")]);
        self.command.args(["--set", "server.drain_ms=0"]);
        let mut child = self.command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Serving {
            child,
            stdout,
            base: format!("http://{host}:{PORT}"),
            host: host.to_owned(),
            _directory: self.directory,
        }
    }
}

/// Outside the range from which the system gives ports away.
pub const PORT: u16 = 18_080;

/// A server that was started.
pub struct Serving {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub base: String,
    pub host: String,
    _directory: tempfile::TempDir,
}

impl Serving {
    /// Until it says that it is ready.
    pub async fn ready(mut self) -> Self {
        let mut line = String::new();
        let said = async {
            while !line.starts_with("Loadmaster is ready at ") {
                line.clear();
                assert_ne!(self.stdout.read_line(&mut line).await.unwrap(), 0, "it ended before it was ready");
            }
        };
        tokio::time::timeout(PATIENCE, said).await.expect("it becomes ready");
        assert!(line.contains(&self.base), "{line}");
        self
    }

    pub fn client(&self) -> Client {
        Client::anonymous(&self.base)
    }

    /// Until the probe answers with this status; a server that does not answer yet is asked again.
    pub async fn until(&self, path: &str, status: u16) -> String {
        let asked = async {
            loop {
                let answer = self.client().http.get(format!("{}{path}", self.base)).send().await;
                if let Ok(answer) = answer
                    && answer.status() == status
                {
                    return answer.text().await.unwrap();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("{path} never answered {status}"))
    }

    /// Ends it as an operator would.
    pub async fn terminate(mut self) -> Done {
        let process = nix::unistd::Pid::from_raw(i32::try_from(self.child.id().expect("it runs")).unwrap());
        nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGTERM).unwrap();
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).await.unwrap();
        let mut done =
            Done::of(tokio::time::timeout(PATIENCE, self.child.wait_with_output()).await.expect("it ends").unwrap());
        done.stdout = stdout;
        done
    }
}
