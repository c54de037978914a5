//! Runs a program to its end or to its deadline, in a process group of its own, and keeps what it printed.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What is kept of a program's output: nuget 2.8 without a terminal prints empty lines for ever.
const MAX_OUTPUT_BYTES: usize = 4 << 20;

/// A program that ended, by itself or by its deadline.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) command: String,
    /// Standard output, then standard error.
    pub(crate) output: String,
    /// `None` where it was killed, at its deadline or by a signal.
    pub(crate) code: Option<i32>,
    pub(crate) took: Duration,
}

impl Ran {
    pub(crate) fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// Panics with the whole output unless the program ended with exit code 0.
    #[track_caller]
    pub(crate) fn expect_success(self) -> Self {
        assert!(self.succeeded(), "{self}");
        self
    }

    /// Panics with the whole output unless the program ended by itself with another exit code than 0.
    #[track_caller]
    pub(crate) fn expect_failure(self) -> Self {
        assert!(self.code.is_some_and(|code| code != 0), "{self}");
        self
    }

    #[track_caller]
    pub(crate) fn expect_output(self, needle: &str) -> Self {
        assert!(self.output.contains(needle), "no {needle:?} in the output of {self}");
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = self
            .code
            .map_or_else(|| "was killed".to_owned(), |code| format!("ended with {code}"));
        write!(
            f,
            "`{}`, which {end} after {:?}:\n{}",
            self.command, self.took, self.output
        )
    }
}

/// Runs a command with no input; past `deadline` its whole process group is killed.
pub(crate) fn run(command: &mut Command, deadline: Duration) -> Ran {
    let shown = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ");
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("`{shown}` does not start: {error}"));
    let stdout = collect(child.stdout.take().expect("a piped stdout"));
    let stderr = collect(child.stderr.take().expect("a piped stderr"));
    let status = loop {
        match child.try_wait().expect("a child to wait for") {
            Some(status) => break Some(status),
            None if started.elapsed() > deadline => break None,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    // Also after a normal end: MSBuild leaves nodes behind that would hold the pipes open.
    signal("KILL", &format!("-{}", child.id()));
    if status.is_none() {
        child.wait().expect("a killed child to wait for");
    }
    let output = format!("{}{}", finish(stdout), finish(stderr));
    let took = started.elapsed();
    // Shown where the test fails, or with --no-capture.
    eprintln!("{:6.2} s {shown}", took.as_secs_f32());
    Ran {
        command: shown,
        output,
        code: status.as_ref().and_then(ExitStatus::code),
        took,
    }
}

/// Sends a signal to a process, or to a group if `target` starts with a minus; one that is gone already is no error.
pub(crate) fn signal(name: &str, target: &str) {
    Command::new("kill")
        .args(["-s", name, "--", target])
        .stderr(Stdio::null())
        .status()
        .expect("the program `kill`");
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        let mut buffer = [0; 8192];
        while let Ok(read @ 1..) = pipe.read(&mut buffer) {
            if kept.len() < MAX_OUTPUT_BYTES {
                kept.extend_from_slice(&buffer[..read]);
            }
        }
        kept
    })
}

fn finish(collected: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&collected.join().expect("the reader of a pipe")).into_owned()
}
