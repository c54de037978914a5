//! Real NuGet libraries as readers of a feed: small programs over them (tests/judges), compiled here and asked questions.
//!
//! A client's command shows a line or two of what came; the libraries beneath show all of it, and refuse what they cannot
//! read. `NuGet.Protocol` is what dotnet, Visual Studio and choco 2 read feeds with; `NuGet.Core`, with WCF Data Services'
//! client, is what nuget 2 and choco 0.x and 1.x do.

use std::fs;
use std::path::{Path, PathBuf};

use super::clients::{Clients, Home};
use super::corpus;
use super::process::Ran;

/// Where Debian's nuget has its libraries.
const NUGET_CORE: &str = "/usr/lib/nuget";

/// The .NET SDK within `$LARDER_CLIENTS/dotnet`, and the runtime that its programs ask for.
const SDK: &str = "sdk/3.1.102";
const REFERENCES: &str = "packs/Microsoft.NETCore.App.Ref/3.1.0/ref/netcoreapp3.1";
const RUNTIME: &str =
    r#"{"runtimeOptions":{"tfm":"netcoreapp3.1","framework":{"name":"Microsoft.NETCore.App","version":"3.1.0"}}}"#;

/// The two judges, compiled, with the home folder they run in.
pub(crate) struct Judges<'a> {
    clients: &'a Clients,
    home: Home,
}

impl<'a> Judges<'a> {
    /// Compiles both.
    pub(crate) fn new(clients: &'a Clients) -> Self {
        let judges = Self {
            clients,
            home: Home::new(),
        };
        judges.compile_protocol();
        judges.compile_core();
        judges
    }

    /// Asks `NuGet.Protocol`; each question is a verb and its arguments, separated by tabs. Each answer is a JSON value.
    pub(crate) fn protocol(&self, feed: &str, questions: &[String]) -> Vec<serde_json::Value> {
        let program = self.path("NuGetProtocol.dll");
        let file = self.write(questions);
        let ran = self
            .clients
            .dotnet(&self.home, &[&program, feed, &file])
            .expect_success();
        let answers = lines(&ran, questions.len());
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        answers.into_iter().map(parse).collect()
    }

    /// Asks `NuGet.Core`, in the same way. Each answer is a line of text.
    pub(crate) fn core(&self, feed: &str, questions: &[String]) -> Vec<String> {
        let program = self.path("NuGetCore.exe");
        let file = self.write(questions);
        let ran = self.clients.mono(&self.home, &[&program, feed, &file]).expect_success();
        lines(&ran, questions.len()).into_iter().map(str::to_owned).collect()
    }

    fn path(&self, name: &str) -> String {
        let path = self.home.path().join(name);
        path.to_str().expect("a path in UTF-8").to_owned()
    }

    fn write(&self, questions: &[String]) -> String {
        let path = self.path("questions");
        fs::write(&path, questions.join("\n")).expect("a home that can be written");
        path
    }

    fn compile_protocol(&self) {
        let dotnet = self.clients.folder().join("dotnet");
        let sdk = dotnet.join(SDK);
        let mut libraries = Vec::new();
        for library in corpus::files(&sdk, "dll") {
            let name = library.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if (name.starts_with("NuGet.") || name == "Newtonsoft.Json.dll") && library.parent() == Some(&*sdk) {
                fs::copy(&library, self.home.path().join(name)).expect("a library to copy");
                libraries.push(library);
            }
        }
        let references = corpus::files(&dotnet.join(REFERENCES), "dll");
        let compiler = sdk.join("Roslyn/bincore/csc.dll");
        let mut arguments = vec![compiler.to_str().expect("a path in UTF-8").to_owned()];
        arguments.extend(["-nologo", "-langversion:8", "-out:NuGetProtocol.dll"].map(str::to_owned));
        arguments.extend(
            references
                .iter()
                .chain(&libraries)
                .map(|library| format!("-r:{}", library.display())),
        );
        arguments.push(source("NuGetProtocol.cs").display().to_string());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.clients.dotnet(&self.home, &arguments).expect_success();
        fs::write(self.home.path().join("NuGetProtocol.runtimeconfig.json"), RUNTIME).expect("a runtime configuration");
    }

    fn compile_core(&self) {
        for library in corpus::files(Path::new(NUGET_CORE), "dll") {
            let name = library.file_name().expect("a file's name");
            fs::copy(&library, self.home.path().join(name)).expect("a library to copy");
        }
        let source = source("NuGetCore.cs").display().to_string();
        let arguments = [
            "-nologo",
            "-out:NuGetCore.exe",
            "-r:NuGet.Core.dll",
            "-r:System.Data.Services.Client.dll",
            "-r:WindowsBase.dll",
            &source,
        ];
        self.clients.mcs(&self.home, &arguments).expect_success();
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges").join(name)
}

fn lines(ran: &Ran, expected: usize) -> Vec<&str> {
    let lines: Vec<&str> = ran.output.lines().collect();
    assert_eq!(lines.len(), expected, "one line for each question: {ran}");
    lines
}
