use std::{
    fs,
    io::{Read, Write},
    path::PathBuf,
    process::Stdio,
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::Value;

use super::{Daemon, Installation, Login, Sandbox, installation::CHECKER, until, until_within};

/// A run of the checker, with its history and audit, on servers that the test has started.
pub struct Torture {
    process: Daemon,
    output: JoinHandle<String>,
    complaint: JoinHandle<String>,
    history: PathBuf,
}

impl Torture {
    /// Returns when the load runs.
    pub fn start(sandbox: &Sandbox, installation: &Installation, staff: &Login, bases: &[&str], seconds: u32) -> Self {
        let history = sandbox.path().join("history.jsonl");
        let mut command = installation.command(std::path::Path::new(CHECKER));
        for base in bases {
            command.args(["--url", base]);
        }
        command.args(["--email", &staff.email, "--password-stdin", "--seconds", &seconds.to_string()]);
        command.args(["--clients", "8", "--json", "--server"]).arg(&installation.binary);
        command.arg("--history").arg(&history);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Daemon::of(command);
        let child = process.child();
        writeln!(child.stdin.take().unwrap(), "{}", staff.password).unwrap();
        let output = read(child.stdout.take().unwrap());
        let complaint = read(child.stderr.take().unwrap());
        let mut this = Self { process, output, complaint, history };
        until("the load has begun", || {
            assert!(this.process.is_running(), "the checker ended before its load");
            fs::metadata(&this.history).is_ok_and(|file| file.len() > 50_000)
        });
        this
    }

    /// Waits for the end: no promise was broken, and the audit is clean. Returns the report.
    pub fn finish(mut self) -> Value {
        until_within(Duration::from_mins(10), "the checker ends", &mut || !self.process.is_running());
        let status = self.process.child().wait().unwrap();
        let (output, complaint) = (self.output.join().unwrap(), self.complaint.join().unwrap());
        assert!(status.success(), "the checker ({status}): {complaint}{output}");
        let report: Value = serde_json::from_str(&output).unwrap();
        assert_eq!(report["outcome"], "clean", "{report:#}");
        assert!(report["audit"].is_object(), "the audit was not run: {report:#}");
        println!(
            "load: {} calls in {:.0} s, {} acknowledged changes, {} of unknown outcome repeated; lost: {}; audit clean",
            report["calls"],
            report["seconds"].as_f64().unwrap_or_default(),
            report["checked"]["acknowledged"],
            report["checked"]["unknown"],
            report["lost"]
        );
        report
    }
}

fn read(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        _ = stream.read_to_string(&mut text);
        text
    })
}
