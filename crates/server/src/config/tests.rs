//! Layers, places and words of the configuration.

use super::*;
use std::{collections::BTreeMap, fs, path::PathBuf};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The error of a file with this text, with the folder left out.
    fn refusal(&self, text: impl AsRef<[u8]>) -> String {
        let path = self.file("c.toml", text);
        let error = Config::load(Some(&path), NO_VARIABLES).map(|_| ()).unwrap_err().to_string();
        self.short(&error)
    }

    fn short(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.0.path().display()), "")
    }
}

const NO_VARIABLES: [(&str, &str); 0] = [];

fn with_variables(variables: &[(&str, &str)]) -> Result<Loaded, String> {
    Config::load(None, variables.iter().copied()).map_err(|error| error.to_string())
}

fn origins(loaded: &Loaded) -> BTreeMap<String, (String, String)> {
    loaded.lines().into_iter().map(|line| (line.name, (line.value, line.origin))).collect()
}

#[test]
fn the_compiled_in_file_has_every_setting() {
    let loaded = Config::defaults().unwrap();
    assert_eq!(loaded.settings.server.listen.0, ["127.0.0.1:8080".parse().unwrap()]);
    assert_eq!(loaded.settings.retention.days, 90);
    assert!(loaded.lines().iter().all(|line| line.origin == "default"));
}

#[test]
fn a_later_layer_wins_and_says_so() {
    let folder = Folder::new();
    let file = folder.file("c.toml", "[server]\nmax_connections = 7\nkeep_alive_seconds = 60\n[log]\nlevel = 'warn'\n");
    let variables =
        [("COUNTERSIGN__SERVER__MAX_CONNECTIONS", "8"), ("COUNTERSIGN__LOG__FORMAT", "text"), ("HOME", "/x")];
    let loaded = Config::load(Some(&file), variables).unwrap();
    assert_eq!(loaded.settings.server.max_connections, 8);
    let origins = origins(&loaded);
    let of = |name: &str| folder.short(&origins[name].1);
    assert_eq!(of("server.max_connections"), "COUNTERSIGN__SERVER__MAX_CONNECTIONS");
    assert_eq!(of("server.keep_alive_seconds"), "c.toml:3");
    assert_eq!(of("log.level"), "c.toml:5");
    assert_eq!(origins["log.format"], ("\"text\"".to_owned(), "COUNTERSIGN__LOG__FORMAT".to_owned()));
    assert_eq!(of("server.listen"), "default");
}

#[test]
fn a_setting_that_does_not_exist_is_named_with_line_and_column() {
    let folder = Folder::new();
    assert_eq!(
        folder.refusal("[log]\n  levle = 'info'\n"),
        "c.toml:2:3: log: unknown setting `levle`, expected `format` or `level`"
    );
    assert_eq!(
        folder.refusal("# x\n[stoer]\npath = 'x'\n"),
        "c.toml:2:2: unknown setting `stoer`, expected one of `server`, `store`, `keys`, `log`, `providers`, `routes`, `lookup`, `callbacks`, `dialects`, `retention`"
    );
    assert_eq!(
        folder.refusal("store.adress = 'x'"),
        "c.toml:1:7: store: unknown setting `adress`, expected `path` or `url`"
    );
    let error = with_variables(&[("COUNTERSIGN__LOG__LEVLE", "info")]).map(|_| ()).unwrap_err();
    assert_eq!(error, "COUNTERSIGN__LOG__LEVLE: log: unknown setting `levle`, expected `format` or `level`");
}

#[test]
fn a_wrong_type_is_named_with_line_and_column() {
    let folder = Folder::new();
    assert_eq!(
        folder.refusal("[retention]\ndays = 'many'\n"),
        "c.toml:2:8: retention.days: invalid type: string \"many\", expected a whole number from 1 to 4294967295"
    );
    assert_eq!(
        folder.refusal("[retention]\ndays = 0\n"),
        "c.toml:2:8: retention.days: invalid value: integer `0`, expected a whole number from 1 to 4294967295"
    );
    assert_eq!(
        folder.refusal("server.listen = ['127.0.0.1:1', 'localhost']"),
        "c.toml:1:17: server.listen: `localhost` is not an address with a port, such as 127.0.0.1:8080"
    );
    assert_eq!(folder.refusal("log = 5"), "c.toml:1:7: log: invalid type: integer `5`, expected a section");
    assert_eq!(
        folder.refusal("[log]\nformat = 'xml'"),
        "c.toml:2:10: log.format: unknown value `xml`, expected `json` or `text`"
    );
    assert_eq!(folder.refusal("[log]\nformat = 5"), "c.toml:2:10: log.format: must be a text in quotes");
    assert_eq!(folder.refusal("[store]\npath = ''"), "c.toml:2:8: store.path: must be the path of a file");
    assert_eq!(folder.refusal("[retention]\ndays = 99999999999999999999"), "c.toml:2:8: this number is too large");
    let error = with_variables(&[("COUNTERSIGN__SERVER__BEHIND_TLS_PROXY", "maybe")]).map(|_| ()).unwrap_err();
    assert_eq!(
        error,
        "COUNTERSIGN__SERVER__BEHIND_TLS_PROXY: server.behind_tls_proxy: invalid type: string \"maybe\", expected a boolean"
    );
}

#[test]
fn what_is_no_toml_is_named_without_the_line_it_is_in() {
    let folder = Folder::new();
    assert_eq!(folder.refusal("[log]\nlevel = \"hunter2\n"), "c.toml:2:17: invalid basic string, expected `\"`");
    assert_eq!(folder.refusal("a = 1\na = 2\n"), "c.toml:2:1: duplicate key");
    assert_eq!(folder.refusal(b"a = 1\nb = '\xff'\n"), "c.toml:2:6: the file is not UTF-8 text from here on");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Config::load(Some(Path::new("/nowhere/c.toml")), NO_VARIABLES).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the configuration file /nowhere/c.toml: No such file or directory");
}

#[test]
fn a_sandbox_setting_is_refused_wherever_it_stands() {
    let why = "the sandbox exists only in `countersign dev`: remove this setting";
    assert_eq!(Folder::new().refusal("x = 1\n[sandbox]\n"), format!("c.toml:2:2: {why}"));
    let error = with_variables(&[("COUNTERSIGN__SANDBOX__ON", "true")]).map(|_| ()).unwrap_err();
    assert_eq!(error, format!("COUNTERSIGN__SANDBOX__ON: {why}"));
}

#[test]
fn a_variable_is_a_toml_value_or_plain_text() {
    let loaded = with_variables(&[
        ("COUNTERSIGN__SERVER__LISTEN", r#"["127.0.0.1:1", "[::1]:2"]"#),
        ("COUNTERSIGN__SERVER__TLS_LISTEN", "127.0.0.1:3"),
        ("COUNTERSIGN__SERVER__BEHIND_TLS_PROXY", "true"),
        ("COUNTERSIGN__STORE__PATH", "2026"),
        ("COUNTERSIGN__ROUTES__EMAIL", r#"["main"]"#),
    ]);
    let settings = loaded.unwrap().settings;
    assert_eq!(settings.server.listen.0.len(), 2);
    assert_eq!(settings.server.tls_listen.0.len(), 1);
    assert!(settings.server.behind_tls_proxy);
    assert_eq!(settings.store.path, Path::new("2026"), "digits are a text where a text is wanted");
}

#[test]
fn a_variable_that_names_no_setting_is_refused() {
    for name in ["COUNTERSIGN__", "COUNTERSIGN__LOG", "COUNTERSIGN__LOG__", "COUNTERSIGN____LEVEL"] {
        let error = with_variables(&[(name, "1")]).map(|_| ()).unwrap_err();
        assert_eq!(
            error,
            format!("{name}: names no setting: it takes a section and a key, such as COUNTERSIGN__LOG__LEVEL")
        );
    }
}

#[test]
fn an_address_of_the_server_has_a_scheme_and_a_host_and_nothing_else() {
    let url = |text: &str| {
        with_variables(&[("COUNTERSIGN__SERVER__PUBLIC_URL", text)]).map(|loaded| loaded.settings.server.public_url.0)
    };
    assert_eq!(url("https://verify.example.com/"), Ok(Some("https://verify.example.com".to_owned())));
    assert_eq!(url("http://127.0.0.1:80"), Ok(Some("http://127.0.0.1:80".to_owned())));
    assert_eq!(url(""), Ok(None));
    for bad in [
        "verify.example.com",
        "ftp://a.example",
        "https://a.example/x",
        "https://a.example/?x",
        "https://u:p@a.example",
        "/",
    ] {
        assert!(url(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_level_is_a_level_and_not_any_word() {
    let level = |text: &str| with_variables(&[("COUNTERSIGN__LOG__LEVEL", text)]).is_ok();
    for good in ["error", "INFO", "info,countersign_delivery=debug", "off"] {
        assert!(level(good), "{good}");
    }
    for bad in ["", "inof", "info,", "countersign_delivery", "=debug", "a=b"] {
        assert!(!level(bad), "{bad}");
    }
}

/// The lines of a relay, with a secret in between.
fn relay(password: &str) -> String {
    format!("[providers.smtp.main]\nhost = 'h'\nfrom = 'a@b.example'\nusername = 'u'\n{password}\n")
}

#[test]
fn a_secret_is_never_printed() {
    let folder = Folder::new();
    let secret = folder.file("secret", "hunter2\n");
    let named = format!("password_file = '{}'", secret.display());
    for line in ["password = 'hunter2'", named.as_str()] {
        let file = folder.file("c.toml", relay(line));
        let loaded = Config::load(Some(&file), NO_VARIABLES).unwrap();
        let password = loaded.settings.providers.smtp["main"].password.as_ref().unwrap();
        assert_eq!(secrecy::ExposeSecret::expose_secret(password), "hunter2");
        assert!(!format!("{:?}{:?}", loaded, loaded.lines()).contains("hunter2"), "{line}");
        assert_eq!(origins(&loaded)["providers.smtp.main.password"].0, "\"********\"");
    }
}

#[test]
fn the_key_of_a_signature_is_a_secret_too() {
    let folder = Folder::new();
    let file = folder.file(
        "c.toml",
        "[providers.http.ses]\nchannels = ['email']\nrequest.url = 'https://ses.example/'\n[providers.http.ses.request.auth.sigv4]\n\
         service = 'ses'\nregion = 'eu-west-1'\naccess_key_id = 'AKIA1'\nsecret_access_key = 'hunter2'\nsession_token = 'hunter2'\n",
    );
    let loaded = Config::load(Some(&file), NO_VARIABLES).unwrap();
    assert!(!format!("{:?}{:?}", loaded, loaded.lines()).contains("hunter2"));
}

#[test]
fn the_file_of_a_secret_is_its_origin() {
    let folder = Folder::new();
    let secret = folder.file("secret", "hunter2\n").display().to_string();
    let file = folder.file("c.toml", relay("password = 'another'"));
    let variable = "COUNTERSIGN__PROVIDERS__SMTP__MAIN__PASSWORD_FILE";
    let loaded = Config::load(Some(&file), [(variable, secret.as_str())]).unwrap();
    let origin = origins(&loaded)["providers.smtp.main.password"].1.clone();
    assert_eq!(folder.short(&origin), format!("secret, named by {variable}"));
    let file = folder.file("c.toml", relay(&format!("password_file = '{secret}'")));
    let variable = "COUNTERSIGN__PROVIDERS__SMTP__MAIN__PASSWORD";
    let loaded = Config::load(Some(&file), [(variable, "12345")]).unwrap();
    assert_eq!(origins(&loaded)["providers.smtp.main.password"].1, variable);
}

#[test]
fn a_secret_that_cannot_be_had_is_told_without_it() {
    let folder = Folder::new();
    folder.file("empty", "\n");
    let of = |line: &str| folder.refusal(relay(&line.replace("DIR", &folder.0.path().display().to_string())));
    let place = "c.toml:5:17: password_file:";
    assert_eq!(of("password_file = 'DIR/none'"), format!("{place} cannot read none: No such file or directory"));
    assert_eq!(of("password_file = 'DIR/empty'"), format!("{place} empty is empty"));
    assert_eq!(of("password_file = 5"), format!("{place} must be the path of a file, in quotes"));
    assert_eq!(
        of("password = 'hunter2'\npassword_file = 'x'"),
        "c.toml:6:1: set either password or password_file, not both"
    );
    assert_eq!(of("password = 12345"), "c.toml:5:12: providers.smtp.main.password: must be a text in quotes");
    let folder = Folder::new();
    assert_eq!(
        folder.refusal("store.url = 'mysql://ana:hunter2@db/x'"),
        "c.toml:1:13: store.url: the URL of the database cannot be used: it does not begin with postgres://; it looks like postgres://user:password@host:5432/database"
    );
}

#[test]
fn a_provider_is_told_what_it_lacks() {
    let folder = Folder::new();
    assert_eq!(
        folder.refusal("[providers.smtp.main]\nhost = 'h'\n"),
        "c.toml:1:17: providers.smtp.main: this setting is missing: `from`"
    );
    assert_eq!(
        folder.refusal(relay("tls = 'maybe'")),
        "c.toml:5:7: providers.smtp.main.tls: unknown value `maybe`, expected one of `starttls`, `implicit`, `none`"
    );
    assert_eq!(
        folder.refusal("[providers.carrier_pigeon.main]\n"),
        "c.toml:1:12: providers: unknown setting `carrier_pigeon`, expected one of `smtp`, `smpp`, `http`"
    );
    assert_eq!(
        folder.refusal("[routes]\npigeon = ['main']\n"),
        "c.toml:2:1: routes: unknown setting `pigeon`, expected one of `sms`, `voice`, `email`, `whatsapp`, `telegram`, `rules`, `operators`, `prices`, `currency`, `senders`, `breaker`"
    );
}

mod weak_settings {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn problems(text: &str) -> Vec<String> {
        let folder = Folder::new();
        let keys = folder.file("keys.json", "{}");
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
        let text = text.replace("DIR", &folder.0.path().display().to_string());
        let path = folder.file("c.toml", text);
        let loaded = Config::load(Some(&path), NO_VARIABLES).unwrap();
        loaded.problems().iter().map(|problem| folder.short(&problem.to_string())).collect()
    }

    #[test]
    fn nothing_to_send_with_is_refused_with_what_to_add() {
        assert_eq!(
            problems(""),
            [
                "routes: no message could leave: add a provider, such as [providers.smtp.main] with host = \"smtp.example.com\" and from = \"no-reply@example.com\", and its route, [routes] with email = [\"main\"]"
            ]
        );
        assert_eq!(
            problems("routes.sms = ['x']"),
            ["c.toml:1:14: routes.sms: there is no provider `x`; there is none"]
        );
    }

    const ROUTE: &str =
        "[routes]\nemail = ['main']\n[providers.smtp.main]\nhost = 'localhost'\ntls = 'none'\nfrom = 'a@b.example'\n";

    #[test]
    fn a_route_to_nobody_and_a_provider_that_cannot_be_are_refused() {
        assert_eq!(
            problems(&format!("{ROUTE}hello_name = 'not a host'\n")),
            ["c.toml:7:14: providers.smtp.main.hello_name: must be a host name"]
        );
        assert_eq!(
            problems(&ROUTE.replace("email", "sms")),
            ["c.toml:2:7: routes.sms: the provider `main` does not carry messages of this channel"]
        );
    }

    #[test]
    fn a_rule_of_routes_that_cannot_be_is_refused_at_its_place() {
        let rule = |more: &str| format!("{ROUTE}[routes.rules.all]\nchannel = 'email'\nproviders = ['main']\n{more}\n");
        assert!(problems(&rule("hours = '22:00-08:00'")).is_empty());
        assert_eq!(
            problems(&rule("countries = ['ES']")),
            [
                "c.toml:8:11: routes.rules.all.channel: mail goes to no country: a rule for it can have hours and days only"
            ]
        );
        assert_eq!(
            problems(&rule("fall_back = ['voice']\ntakes_over_after_seconds = 20")),
            ["c.toml:10:13: routes.rules.all.fall_back: a message cannot go on by voice: it has another address"]
        );
        assert_eq!(
            problems(&format!("{ROUTE}[routes.breaker]\npercent = 101\n")),
            ["c.toml:8:11: routes.breaker.percent: must be from 1 to 100"]
        );
    }

    #[test]
    fn other_machines_are_served_over_tls_only() {
        let why = "other machines can reach 0.0.0.0:80 without TLS: use server.tls_listen, or set server.behind_tls_proxy = true if a proxy in front ends TLS";
        assert_eq!(
            problems(&format!("server.listen = ['127.0.0.1:80', '0.0.0.0:80']\n{ROUTE}")),
            [format!("c.toml:1:17: server.listen: {why}")]
        );
        assert!(problems(&format!("server = {{listen = '[::ffff:127.0.0.1]:80'}}\n{ROUTE}")).is_empty());
        let proxied = format!("server = {{listen = '0.0.0.0:80', behind_tls_proxy = true}}\n{ROUTE}");
        assert!(problems(&proxied).is_empty());
    }

    #[test]
    fn a_certificate_needs_its_key_and_a_listener_needs_both() {
        let of = |server: &str| problems(&format!("server = {{{server}}}\n{ROUTE}"));
        assert_eq!(
            of("tls_certificate = '/c'"),
            ["c.toml:1:29: server.tls_certificate: its private key is missing: set server.tls_key"]
        );
        assert_eq!(
            of("tls_key = '/k'"),
            ["c.toml:1:21: server.tls_key: its certificate is missing: set server.tls_certificate"]
        );
        assert_eq!(
            of("tls_listen = '0.0.0.0:443'"),
            ["c.toml:1:24: server.tls_listen: a certificate is needed: set server.tls_certificate and server.tls_key"]
        );
        assert_eq!(
            of("tls_certificate = '/c', tls_key = '/k'"),
            ["c.toml:1:29: server.tls_certificate: nothing uses it: set server.tls_listen"]
        );
        assert_eq!(
            of("listen = ''"),
            ["c.toml:1:20: server.listen: nothing to listen on: set server.listen or server.tls_listen"]
        );
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let folder = Folder::new();
        let keys = folder.file("keys.json", "{}");
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o640)).unwrap();
        let found = problems(&format!("keys.file = '{}'\n{ROUTE}", keys.display()));
        let keys = keys.display();
        assert_eq!(
            found,
            [format!("c.toml:1:13: keys.file: others can read {keys} (mode 0640): run: chmod 600 {keys}")]
        );
        assert!(problems(&format!("keys.file = 'DIR/keys.json'\n{ROUTE}")).is_empty());
    }

    /// What is told of a configuration with this line in it, when it and the file of a secret have these modes.
    fn with_modes(line: &str, own: u32, of_secret: u32) -> Vec<String> {
        let folder = Folder::new();
        let secret = folder.file("secret", "hunter2\n");
        fs::set_permissions(&secret, fs::Permissions::from_mode(of_secret)).unwrap();
        let line = line.replace("DIR", &folder.0.path().display().to_string());
        let path = folder.file("c.toml", format!("{ROUTE}username = 'u'\n{line}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(own)).unwrap();
        let loaded = Config::load(Some(&path), NO_VARIABLES).unwrap();
        loaded.problems().iter().map(|problem| folder.short(&problem.to_string())).collect()
    }

    #[test]
    fn a_secret_in_a_file_that_others_can_read_is_refused() {
        let line = "password_file = 'DIR/secret'";
        for mode in [0o644, 0o660, 0o604] {
            let why = format!("others can read secret (mode {mode:04o}): run: chmod 600 secret");
            assert_eq!(
                with_modes(line, 0o644, mode),
                [format!("c.toml:8:17: providers.smtp.main.password_file: {why}")]
            );
        }
        assert_eq!(with_modes(line, 0o644, 0o600), Vec::<String>::new());
        for mode in [0o400, 0o440, 0o640] {
            assert_eq!(with_modes(line, 0o644, mode), Vec::<String>::new(), "{mode:04o}");
        }
    }

    #[test]
    fn a_configuration_with_a_secret_in_it_that_others_can_read_is_refused() {
        let line = "password = 'hunter2'";
        let why = "it stands in this file, and others can read c.toml (mode 0644): run: chmod 600 c.toml";
        assert_eq!(with_modes(line, 0o644, 0o600), [format!("c.toml:8:12: providers.smtp.main.password: {why}")]);
        assert_eq!(with_modes(line, 0o600, 0o600), Vec::<String>::new());
        assert_eq!(with_modes("password_file = 'DIR/secret'", 0o644, 0o600), Vec::<String>::new());
    }
}

#[test]
fn trusted_proxies_are_networks_or_addresses() {
    let with = |text: &str| {
        with_variables(&[("COUNTERSIGN__SERVER__TRUSTED_PROXIES", text)])
            .map(|loaded| loaded.settings.server.trusted_proxies.0.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(with(r#"["10.1.2.3/8", "::1"]"#).unwrap(), ["10.0.0.0/8", "::1/128"]);
    assert_eq!(with("[]").unwrap(), Vec::<String>::new());
    let refused = with(r#"["10.0.0.0/8", "proxy"]"#).unwrap_err();
    assert!(refused.contains("`proxy` is not a network, such as 10.0.0.0/8, and not an address"), "{refused}");
}

#[test]
fn settings_of_a_dialect_are_checked_at_the_start() {
    let folder = Folder::new();
    let zone = folder.refusal("[dialects.gateway360]\ntime_zone = 'Europe/Madird'\n");
    assert_eq!(
        zone,
        "c.toml:2:13: dialects.gateway360.time_zone: `Europe/Madird` is not a time zone, such as Europe/Madrid or UTC"
    );
    let text = folder.refusal("[dialects.gateway360]\ndefault_text = 'your code'\n");
    assert!(text.contains("dialects.gateway360.default_text: must have {PIN} exactly once"), "{text}");
    let unknown = folder.refusal("[dialects.gateway36]\n");
    assert!(unknown.contains("unknown setting `gateway36`"), "{unknown}");
}
