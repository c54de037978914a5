//! `larder check-config`: every setting in force and where it came from. It opens nothing that a setting names.

use std::io::Write;
use std::process::ExitCode;

use crate::auth::ApiKey;
use crate::config::{Config, SHIPPED};

/// Prints every setting, secrets hidden, and what follows from them.
pub(super) fn run(config: &Config, admin_key: Option<&ApiKey>, mut out: impl Write) -> anyhow::Result<ExitCode> {
    let lines: Vec<(String, &crate::config::Origin)> = config
        .settings()
        .iter()
        .map(|setting| (format!("{} = {}", setting.key, setting.value), &setting.origin))
        .collect();
    let width = lines
        .iter()
        .map(|(line, _)| line.chars().count())
        .max()
        .unwrap_or_default()
        .min(64);
    for (line, origin) in lines {
        writeln!(out, "{line:width$}  # {origin}")?;
    }
    writeln!(out)?;
    writeln!(
        out,
        "data lie in {}",
        std::path::absolute(&config.storage.data)?.display()
    )?;
    writeln!(out, "default feed: {}", config.default_feed().name)?;
    match admin_key {
        Some(_) => writeln!(out, "administrator key: from LARDER_ADMIN_KEY (not shown)")?,
        None => writeln!(
            out,
            "administrator key: the one made at first start; LARDER_ADMIN_KEY is not set"
        )?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the configuration file that larder comes with.
pub(super) fn print_default(mut out: impl Write) -> anyhow::Result<ExitCode> {
    out.write_all(SHIPPED.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn prints_values_and_origins_without_secrets() {
        let text =
            "[server]\npage_size = 40\n[[upstream]]\nname = \"u\"\nkind = \"v2\"\nurl = \"http://a:s3cret@u/\"\n";
        let config = Config::parse(text, Path::new("/srv")).unwrap();
        let key = ApiKey::parse("s3cret-key").unwrap();
        let mut out = Vec::new();
        run(&config, Some(&key), &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        for (start, end) in [
            ("server.page_size = 40 ", "# mirror.toml:2"),
            ("server.listen = \"127.0.0.1:8624\" ", "# default"),
            ("upstream.u.url = \"http://***@u/\" ", "# mirror.toml:6"),
            ("feed.default.upstreams = [\"u\"] ", "# default"),
            ("data lie in /srv/data", ""),
            ("administrator key: from LARDER_ADMIN_KEY", ""),
        ] {
            assert!(
                out.lines().any(|line| line.starts_with(start) && line.ends_with(end)),
                "{start}\n{out}"
            );
        }
        assert!(!out.contains("s3cret"), "{out}");
    }
}
