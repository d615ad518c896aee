//! Routes in the real binary: a carrier that takes a message and never reports is followed by the next in the time that is set, also
//! by a process that was killed in between; a dead carrier gets a rest; and `route explain` tells it all.

use crate::{
    carriers::{configuration, free_port, listener, next, pin_in},
    mail::{made_key, run},
    running::Running,
};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

const NUMBER: &str = "+34666666111";

/// A carrier that takes whatever its server answers with "taken", and reports at the message's own address.
fn carrier(name: &str, url: &str) -> String {
    format!(
        "[providers.http.{name}]\nchannels = ['sms', 'voice']\nfrom = 'Acme'\n[providers.http.{name}.request]\n\
         url = '{url}/send'\n[providers.http.{name}.request.json]\nto = '{{{{ to }}}}'\ntext = '{{{{ text }}}}'\n\
         from = '{{{{ from }}}}'\nchannel = '{{{{ channel }}}}'\nreport = '{{{{ receipt_url }}}}'\n\
         [providers.http.{name}.answer]\naccept = [{{ contains = 'taken' }}]\n\
         [providers.http.{name}.receipt]\nstatus = {{ query = 'status' }}\ndelivered = ['ok']\nundelivered = ['no']\n"
    )
}

async fn started(server: &Running) -> String {
    let started = server.post("/v1/verifications", json!({"to": NUMBER, "channel": "sms"})).await;
    assert_eq!(started.status, 201, "{}", started.body);
    started.body["id"].as_str().unwrap().to_owned()
}

async fn history(server: &Running, id: &str) -> Value {
    server.get(&format!("/v1/verifications/{id}/events")).await.body
}

/// The history, once this message of it is in this state.
async fn once_it_is(server: &Running, id: &str, message: usize, state: &str) -> Value {
    loop {
        let history = history(server, id).await;
        if history["messages"][message]["state"] == state {
            return history;
        }
    }
}

fn body(posted: &str) -> Value {
    serde_json::from_str(posted).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_carrier_that_never_reports_is_followed_in_time_and_then_by_a_call_even_if_the_process_is_killed() {
    let (silent, mut swallowed) = listener().await;
    let (good, mut taken) = listener().await;
    let carriers = carrier("silent", &silent) + &carrier("good", &good);
    let rule = "['silent']\nvoice = ['good']\n[routes.rules.spain]\nchannel = 'sms'\ncountries = ['ES']\n\
                providers = ['silent', 'good']\ntakes_over_after_seconds = 2\nfall_back = ['voice']\n";
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path(), free_port().await, &carriers, rule);
    let key = made_key(&config);
    let server = Running::serve(&config, &key);
    let id = started(&server).await;
    let first = body(&next(&mut swallowed).await);
    #[expect(clippy::disallowed_methods, reason = "what is promised is a time")]
    let began = Instant::now();
    once_it_is(&server, &id, 0, "accepted").await;
    let second = body(&next(&mut taken).await);
    let took = began.elapsed();
    println!("the second carrier had the message {took:?} after the first");
    assert!(took > Duration::from_millis(1500) && took < Duration::from_secs(5), "{took:?}");
    assert_eq!((second["channel"].as_str(), &second["text"]), (Some("sms"), &first["text"]), "the same code");
    once_it_is(&server, &id, 1, "accepted").await;
    // It waits for the second one's receipt now: whoever starts next goes on with that.
    server.kill();
    let server = Running::serve(&config, &key);
    let third = body(&next(&mut taken).await);
    assert_eq!(third["channel"], "voice");
    once_it_is(&server, &id, 2, "accepted").await;

    let report = format!("{}?status=ok", third["report"].as_str().unwrap());
    let told = server.client().post(report).send().await.unwrap();
    assert!(told.status().is_success());
    let history = once_it_is(&server, &id, 2, "delivered").await;
    println!("{history:#}");
    let messages = history["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[0]["taken_over_by"], messages[1]["id"]);
    assert_eq!((&messages[1]["follows"], &messages[2]["follows"]), (&messages[0]["id"], &messages[0]["id"]));
    assert_eq!(messages[1]["why"], "rule spain; passed over silent: nothing came of the message that it had");
    assert!(messages[2]["settled_at"].is_string() && messages[0]["settled_at"].is_null());

    let check = format!("/v1/verifications/{id}/check");
    let checked = server.post(&check, json!({"code": pin_in(first["text"].as_str().unwrap())})).await.body;
    assert_eq!(checked["valid"], true, "{checked}");
    let (status, log) = server.stop();
    assert!(status.success());
    assert!(!log.contains(NUMBER) && !log.contains("666666111"), "no address is in the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_the_code_is_accepted_no_other_carrier_gets_it() {
    let (silent, mut swallowed) = listener().await;
    let (good, mut taken) = listener().await;
    let carriers = carrier("silent", &silent) + &carrier("good", &good);
    let rule = "['silent']\n[routes.rules.all]\nchannel = 'sms'\nproviders = ['silent', 'good']\n\
                takes_over_after_seconds = 1\n";
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path(), free_port().await, &carriers, rule);
    let server = Running::serve(&config, &made_key(&config));
    let id = started(&server).await;
    let first = body(&next(&mut swallowed).await);
    let check = format!("/v1/verifications/{id}/check");
    let checked = server.post(&check, json!({"code": pin_in(first["text"].as_str().unwrap())})).await.body;
    assert_eq!(checked["valid"], true, "{checked}");
    // The moment of taking over has come and gone when nothing is waited for any more.
    while history(&server, &id).await["messages"][0]["takes_over_at"].is_string() {}
    server.stop();
    assert!(taken.try_recv().is_err());
}

/// What `route explain` prints, without the moment.
fn explained(config: &Path, arguments: &[&str]) -> String {
    let told = run(config, &[&["route", "explain"], arguments].concat());
    told.lines().filter(|line| !line.starts_with("time ")).flat_map(|line| [line, "\n"]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_carrier_gets_a_rest_and_explain_tells_of_it() {
    let (good, mut taken) = listener().await;
    let dead = format!("http://127.0.0.1:{}", free_port().await);
    let carriers = carrier("dead", &dead) + &carrier("good", &good);
    let rule = "['good']\nvoice = ['good']\ncurrency = 'EUR'\n[routes.operators]\nmovistar = ['+34666']\n\
                [routes.prices.sms.dead]\nES = 0.02\n[routes.prices.sms.good]\n'+34' = 0.0455\n\
                [routes.senders.sms.ES]\nfrom = 'ACME'\n\
                [routes.rules.movistar]\nchannel = 'sms'\noperators = ['movistar']\nproviders = ['good', 'dead']\n\
                order = 'price'\ntakes_over_after_seconds = 30\nfall_back = ['voice']\n\
                [routes.rules.night]\nchannel = 'sms'\ncountries = ['ES']\nhours = '22:00-08:00'\n\
                time_zone = 'Europe/Madrid'\nproviders = ['good']\n\
                [routes.rules.france]\nchannel = 'sms'\ncountries = ['FR']\nproviders = ['good']\n";
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path(), free_port().await, &carriers, rule);
    let noon = ["--at", "2026-01-01T12:00:00+01:00"];
    assert_eq!(
        explained(&config, &[&[NUMBER], &noon[..]].concat()),
        "to          +34666666111: ES, mobile, operator movistar\n\
         health      no server asked: everybody is well\n\
         channel     sms\n\
         rule        france is for other countries\n\
         rule        movistar decides\n\
         rule        night is for another time: it is Thu 12:00 in Europe/Madrid\n\
         order       by price, the cheapest first\n\
         1           dead            0.02 EUR\n\
         2           good            0.0455 EUR\n\
         sender      ACME\n\
         take-over   after 30 s without a receipt the next provider, with the same code\n\
         then        voice by good\n"
    );
    let night = ["--at", "2026-01-01T23:00:00+01:00"];
    let told = explained(&config, &[&["+34712345678"], &night[..]].concat());
    assert!(told.contains("rule        night decides\n"), "{told}");
    let told = explained(&config, &[&[NUMBER, "--without", "dead"], &noon[..]].concat());
    assert!(told.contains("-           dead            0.02 EUR, passed over: it was left out\n"), "{told}");

    let server = Running::serve(&config, &made_key(&config));
    for number in 0..5 {
        let to = format!("+3466666611{number}");
        let started = server.post("/v1/verifications", json!({"to": to, "channel": "sms"})).await;
        assert_eq!(started.status, 201, "{}", started.body);
        assert_eq!(body(&next(&mut taken).await)["from"], "ACME", "the registered sender");
    }
    let id = server.post("/v1/verifications", json!({"to": "+34666666119", "channel": "sms"})).await.body;
    let id = id["id"].as_str().unwrap();
    next(&mut taken).await;
    let history = once_it_is(&server, id, 0, "accepted").await;
    let why = history["messages"][0]["why"].as_str().unwrap();
    assert!(
        why.starts_with("rule movistar, cheapest at 0.0455; passed over dead: its breaker is open until 2"),
        "{why}"
    );
    assert_eq!(history["messages"][0]["attempts"], 1, "the dead one was not asked");

    let told = explained(&config, &[NUMBER, "--server", &server.url]);
    println!("{told}");
    assert!(told.contains("health      breakers as the server has them\n"), "{told}");
    assert!(told.contains("1           good            0.0455 EUR\n"), "{told}");
    assert!(told.contains("-           dead            0.02 EUR, passed over: its breaker is open until 2"), "{told}");
    let (_, log) = server.stop();
    assert!(log.contains("a breaker opened") && log.contains("passed over dead"), "{log}");
}

/// The example of docs/routing.md, with carriers that nobody asks.
#[test]
fn the_page_shows_what_the_program_prints() {
    let page = include_str!("../../../../docs/routing.md");
    let blocks = |language: &str| {
        let opening = format!("```{language}\n");
        let blocks = page.split(opening.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
        blocks.collect::<Vec<_>>()
    };
    let carriers: String = ["cheap", "main", "local"].map(|name| carrier(name, "http://127.0.0.1:1")).concat();
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys.json").display().to_string();
    let path = dir.path().join("example.toml");
    let examples = blocks("toml");
    std::fs::write(&path, format!("[keys]\nfile = '{keys}'\n{carriers}\n{}\n{}", examples[0], examples[1])).unwrap();
    let mut shown = 0;
    for block in blocks("text") {
        let Some((command, printed)) = block.strip_prefix("$ countersign ").and_then(|it| it.split_once('\n')) else {
            continue;
        };
        assert_eq!(run(&path, &command.split(' ').collect::<Vec<_>>()), printed, "{command}");
        shown += 1;
    }
    assert_eq!(shown, 2);
    let told = run(&path, &["route", "explain", "+919876543210"]);
    assert!(told.contains("sender      ACMEIN, or ACMEBK where the service has it, with DLT ids\n"), "{told}");
}

#[test]
fn what_cannot_be_explained_is_said_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path(), 0, &carrier("good", "http://127.0.0.1:1"), "['good']\n");
    let complaint = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.args(["route", "explain"]).args(arguments).args(["--config", &config.display().to_string()]);
        let output = command.env_clear().output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let told = complaint(&[NUMBER, "--server", "http://127.0.0.1:1"]);
    assert!(
        told.starts_with("countersign: cannot ask http://127.0.0.1:1/metrics: ") && told.lines().count() == 1,
        "{told}"
    );
    let told = complaint(&[NUMBER, "--without", "nobody"]);
    assert_eq!(told, "countersign: there is no provider nobody; `countersign providers list` shows all\n");
    let told = complaint(&["12"]);
    assert!(told.starts_with("countersign: the address must be a phone number in international form"), "{told}");
}
