//! What `serve` refuses although every single setting is well-formed: weak or pointless combinations. Each refusal says
//! what to change.

use super::{ConfigError, Loaded, Origin, secret};
use countersign_delivery::{
    lookup,
    providers::{self, BuildError},
    routing,
};
use countersign_model::Channel;
use std::{
    collections::BTreeSet,
    fs,
    io::ErrorKind,
    net::IpAddr,
    path::{Path, PathBuf},
};

const NO_ROUTE: &str = "no message could leave: add a provider, such as [providers.smtp.main] with host = \"smtp.example.com\" and from = \"no-reply@example.com\", and its route, [routes] with email = [\"main\"]";

const NOBODY_ASKS: &str = "nobody could ask what to say in a call: set server.public_url, the address under which the vendor reaches this server";

const SAID_IN_THE_CLEAR: &str = "codes would be told in the clear: server.public_url must begin with https://, since the vendor asks there what to say";

/// Why no vendor can ask, under this address of ours, what to say in a call.
fn trouble_with_calls(public_url: Option<&str>) -> Option<&'static str> {
    let Some(url) = public_url.and_then(|url| url.parse::<reqwest::Url>().ok()) else { return Some(NOBODY_ASKS) };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    (url.scheme() != "https" && !is_here).then_some(SAID_IN_THE_CLEAR)
}

impl Loaded {
    /// Everything that `serve` refuses, in the order of the sections. Looks at the files that are named, and changes nothing.
    #[must_use]
    pub fn problems(&self) -> Vec<ConfigError> {
        let mut problems = Vec::new();
        self.check_listeners(&mut problems);
        self.check_tls(&mut problems);
        self.check_key_file(&mut problems);
        self.check_secrets(&mut problems);
        self.check_routes(&mut problems);
        problems
    }

    fn check_listeners(&self, problems: &mut Vec<ConfigError>) {
        let server = &self.settings.server;
        if server.listen.0.is_empty() && server.tls_listen.0.is_empty() {
            problems
                .push(self.error_at("server.listen", "nothing to listen on: set server.listen or server.tls_listen"));
        }
        if let (Some(address), false) = (server.listen.first_remote(), server.behind_tls_proxy) {
            let what = format!(
                "other machines can reach {address} without TLS: use server.tls_listen, or set server.behind_tls_proxy = true if a proxy in front ends TLS"
            );
            problems.push(self.error_at("server.listen", &what));
        }
    }

    fn check_tls(&self, problems: &mut Vec<ConfigError>) {
        let server = &self.settings.server;
        let (certificate, key) = (server.tls_certificate.is_some(), server.tls_key.is_some());
        if certificate && !key {
            problems.push(self.error_at("server.tls_certificate", "its private key is missing: set server.tls_key"));
        }
        if key && !certificate {
            problems.push(self.error_at("server.tls_key", "its certificate is missing: set server.tls_certificate"));
        }
        let listens = !server.tls_listen.0.is_empty();
        if listens && !certificate && !key {
            let what = "a certificate is needed: set server.tls_certificate and server.tls_key";
            problems.push(self.error_at("server.tls_listen", what));
        }
        if certificate && key && !listens {
            problems.push(self.error_at("server.tls_certificate", "nothing uses it: set server.tls_listen"));
        }
        if let Some(key) = &server.tls_key {
            // A group for it is usual (Debian's ssl-cert).
            self.check_private("server.tls_key", key, 0o007, problems);
        }
    }

    /// A key file that does not exist yet is made on the first run.
    fn check_key_file(&self, problems: &mut Vec<ConfigError>) {
        self.check_private("keys.file", &self.settings.keys.file, 0o077, problems);
    }

    /// Every file that holds a secret, the operator's own among them, is for its owner, and for a group that may read it: that
    /// is how a container's platform hands secrets to one that does not run as root. Each is told once.
    fn check_secrets(&self, problems: &mut Vec<ConfigError>) {
        let mut looked_at = BTreeSet::new();
        self.tree.each_value(&mut |path, value, origin| {
            let name = path.join(".");
            let (file, what) = match origin {
                _ if !secret::is_secret(path) || value.as_str().is_some_and(holds_none) => return,
                Origin::SecretFile { path, .. } => (Some(PathBuf::from(path)), format!("{name}_file:")),
                Origin::File { .. } => (self.file.clone(), format!("{name}: it stands in this file, and")),
                Origin::Default | Origin::Variable { .. } => return,
            };
            if let Some(file) = file.filter(|file| looked_at.insert(file.clone()))
                && let Some(why) = shared(&file, 0o037)
            {
                problems.push(ConfigError::at(origin.named_place(), format!("{what} {why}")));
            }
        });
    }

    fn check_routes(&self, problems: &mut Vec<ConfigError>) {
        let settings = &self.settings;
        if Channel::ALL.iter().all(|channel| !settings.routes.serves(*channel)) {
            problems.push(self.error_at("routes", NO_ROUTE));
        }
        if let Err(bad) = lookup::build(&settings.lookup) {
            problems.push(self.error_at(&format!("lookup.http.{}", bad.setting), &bad.problem));
        }
        match providers::build(&settings.providers) {
            Ok(providers) => {
                let trouble = trouble_with_calls(settings.server.public_url.0.as_deref());
                let callers = settings.providers.http.iter().filter(|(_, provider)| provider.call.is_some());
                problems.extend(
                    callers
                        .zip(trouble.into_iter().cycle())
                        .map(|((name, _), trouble)| self.error_at(&format!("providers.http.{name}.call"), trouble)),
                );
                let bad = routing::check(&settings.routes, &providers).err();
                problems.extend(bad.map(|bad| self.error_at(&format!("routes.{}", bad.setting), &bad.problem)));
            }
            Err(bad) => problems.push(self.bad_provider(&bad)),
        }
    }

    fn bad_provider(&self, bad: &BuildError) -> ConfigError {
        match bad {
            BuildError::Setting { kind, name, setting, problem } => {
                self.error_at(&format!("providers.{kind}.{name}.{setting}"), problem)
            }
            BuildError::Twice(name) => self.error_at("providers", &format!("two providers are named `{name}`")),
            BuildError::BadName(name) => self.error_at(
                "providers",
                &format!("`{name}` is no name: use up to 64 of a-z 0-9 - _ . and begin with a letter or digit"),
            ),
        }
    }

    fn check_private(&self, name: &str, path: &Path, others: u32, problems: &mut Vec<ConfigError>) {
        if let Some(why) = shared(path, others) {
            problems.push(self.error_at(name, &why));
        }
    }
}

/// A text that is not set, or that only names a secret: `{{ secrets.password }}`.
fn holds_none(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || text.starts_with("{{") && text.ends_with("}}") && text.matches("{{").count() == 1
}

/// Why a file is not for its owner only, if there is such a file; none if it is.
fn shared(path: &Path, others: u32) -> Option<String> {
    let shown = path.display();
    match mode(path) {
        Ok(mode) if mode & others != 0 => {
            Some(format!("others can read {shown} (mode {:04o}): run: chmod 600 {shown}", mode & 0o7777))
        }
        Ok(_) => None,
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => Some(format!("cannot look at {shown}: {}", super::error::plain(&error))),
    }
}

#[cfg(unix)]
fn mode(path: &Path) -> std::io::Result<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).map(|file| file.permissions().mode())
}

#[cfg(not(unix))]
fn mode(path: &Path) -> std::io::Result<u32> {
    fs::metadata(path).map(|_| 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_only_names_a_secret_holds_none() {
        for none in ["", " ", "{{ secrets.password }}", "{{secrets.token}} "] {
            assert!(holds_none(none), "{none}");
        }
        for some in ["hunter2", "{{ secrets.a }}hunter2", "{{ a }} hunter2 {{ b }}", "{{"] {
            assert!(!holds_none(some), "{some}");
        }
    }
}
