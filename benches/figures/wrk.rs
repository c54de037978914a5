//! wrk: the most that a server answers on a number of connections.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

/// Asks for the paths of a file in turn; `PATHS` stands for its name.
const SCRIPT: &str = r#"local requests, at = {}, 0
init = function(arguments)
  for path in io.lines("PATHS") do requests[#requests + 1] = wrk.format("GET", path) end
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("FIGURES %f %f %f %d\n", summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
"#;

/// What one run found.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    /// Answers each second.
    pub(crate) rate: f64,
    /// The median time of an answer, in milliseconds.
    pub(crate) p50: f64,
    /// The time within which 99 of 100 answers came, in milliseconds.
    pub(crate) p99: f64,
}

/// Returns whether wrk is installed.
pub(crate) fn is_here() -> bool {
    Command::new("wrk").arg("-v").output().is_ok()
}

/// Asks a server for paths in turn; an error of any kind ends it.
pub(crate) fn load(
    folder: &Path,
    server: SocketAddr,
    paths: &[String],
    connections: u32,
    seconds: u64,
) -> anyhow::Result<Load> {
    let (script, list) = (folder.join("figures.lua"), folder.join("figures.paths"));
    std::fs::write(&list, paths.join("\n"))?;
    std::fs::write(&script, SCRIPT.replace("PATHS", &list.display().to_string()))?;
    let output = Command::new("wrk")
        .args(["-t1", "--timeout", "10s"])
        .arg(format!("-c{connections}"))
        .arg(format!("-d{seconds}s"))
        .arg("-s")
        .arg(&script)
        .arg(format!("http://{server}/"))
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("FIGURES "));
    let line = line.with_context(|| format!("wrk printed no figures: {text}"))?;
    let numbers: Vec<f64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [rate, p50, p99, errors] = numbers[..] else {
        anyhow::bail!("wrk printed other figures: {line}");
    };
    anyhow::ensure!(
        errors == 0.0,
        "{errors} of the answers were errors; the first path is {:?}",
        paths.first()
    );
    Ok(Load { rate, p50, p99 })
}
