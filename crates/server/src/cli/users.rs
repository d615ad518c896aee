//! `countersign users`: people who log in with a password or prove themselves with a phone, and what stops them from doing so.

use super::{ConfigFile, keys::operator_of};
use crate::{Failure, out};
use clap::{Args, Subcommand};
use countersign_delivery::render::locale;
use countersign_engine::{
    Caller, Engine, Error, Identity, UserRef,
    commands::{ChangeUser, CreateUser, DeleteUser, KnownLanguage, ReleaseUser, UnblockLogIn},
    passwords::LONGEST_PASSWORD,
};
use countersign_model::{Factor, FactorKind, MfaRule, User, UserId};
use std::{
    fs,
    io::{self, IsTerminal as _, Read as _},
    net::IpAddr,
    path::{Path, PathBuf},
};

/// Look at a tenant's users, make, change and unblock them
///
/// A password is read from a file, or from standard input: never from the command line, which others on the machine can see.
#[derive(Debug, Args)]
pub(super) struct Users {
    #[command(flatten)]
    file: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

/// Which user is meant.
#[derive(Debug, Args)]
struct Which {
    /// Whose user: the tenant's name
    #[arg(long)]
    tenant: String,
    /// The user's name, or its id as `show` prints it or as a UUID
    user: String,
}

/// Where a password is.
#[derive(Debug, Args)]
struct PasswordSource {
    /// The file with its password; without it the password is read from standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a user that logs in with a password
    Create {
        /// Whose user: the tenant's name
        #[arg(long)]
        tenant: String,
        /// What it logs in as, such as ana@example.com
        name: String,
        #[command(flatten)]
        password: PasswordSource,
        /// Whether a password is enough: off or required
        #[arg(long, value_name = "RULE", default_value = "required", value_parser = rule)]
        mfa: MfaRule,
        /// Its e-mail address, if that is another than its name
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// The language that it reads, such as en or pt-BR
        #[arg(long, value_name = "TAG", value_parser = language)]
        language: Option<String>,
    },
    /// Give a user another password
    Password {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Say whether a password is enough for a user
    Mfa {
        #[command(flatten)]
        which: Which,
        /// off or required
        #[arg(value_parser = rule)]
        rule: MfaRule,
    },
    /// Say which language a user reads
    Language {
        #[command(flatten)]
        which: Which,
        /// Such as en or pt-BR; without it nothing is known of it any more
        #[arg(value_parser = language)]
        language: Option<String>,
    },
    /// Show a user: its id, its factors, and until when it is blocked
    Show {
        #[command(flatten)]
        which: Which,
    },
    /// Let a user who was blocked by too many messages, wrong codes or wrong passwords try again, at once
    Unblock {
        #[command(flatten)]
        which: Which,
        /// The address from which wrong passwords came; without it they go on counting
        #[arg(long, value_name = "ADDRESS")]
        from: Option<IpAddr>,
    },
    /// Delete a user, with all that it proves itself with
    Delete {
        #[command(flatten)]
        which: Which,
    },
}

fn rule(text: &str) -> Result<MfaRule, String> {
    match text {
        "off" => Ok(MfaRule::Off),
        "required" => Ok(MfaRule::Required),
        _ => Err("there is off, required".to_owned()),
    }
}

fn language(text: &str) -> Result<String, String> {
    locale::canonical(text).ok_or_else(|| "it is no language tag (BCP 47), such as en or pt-BR".to_owned())
}

impl Users {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let Self { file, action } = self;
        file.with_engine(async move |engine: &Engine| action.run(engine).await).await
    }
}

impl Action {
    async fn run(self, engine: &Engine) -> Result<(), Failure> {
        match self {
            Self::Create { tenant, name, password, mfa, email, language } => {
                let operator = operator_of(engine, &tenant).await?;
                // People do not mind how large the letters of their address are.
                let name = name.trim().to_lowercase();
                let password = Some(password.hash(engine).await?);
                let identity = Identity { name: Some(name.clone()), email, language };
                let made = engine.run(&operator, None, &CreateUser { identity, password, mfa }).await;
                let made = made.map_err(|error| Failure::other(format!("cannot make {name}: {error}")))?;
                out::line(&made.id.to_string())
            }
            Self::Password { which, password } => {
                let (operator, user) = which.find(engine).await?;
                let password = Some(password.hash(engine).await?);
                let change = ChangeUser { password, ..unchanged(&user) };
                engine.run(&operator, None, &change).await.map(drop).map_err(told(&user))
            }
            Self::Mfa { which, rule } => {
                let (operator, user) = which.find(engine).await?;
                let change = ChangeUser { mfa: Some(rule), ..unchanged(&user) };
                engine.run(&operator, None, &change).await.map(drop).map_err(told(&user))
            }
            Self::Language { which, language } => {
                let (operator, user) = which.find(engine).await?;
                let language = language.map_or(KnownLanguage::Unknown, KnownLanguage::Is);
                let change = ChangeUser { language: Some(language), ..unchanged(&user) };
                engine.run(&operator, None, &change).await.map(drop).map_err(told(&user))
            }
            Self::Show { which } => {
                let (operator, user) = which.find(engine).await?;
                show(engine, &operator, &user).await
            }
            Self::Unblock { which, from } => {
                let (operator, user) = which.find(engine).await?;
                unblock(engine, &operator, &user, from).await
            }
            Self::Delete { which } => {
                let (operator, user) = which.find(engine).await?;
                engine.run(&operator, None, &DeleteUser { user: user.id }).await.map_err(told(&user))
            }
        }
    }
}

const fn unchanged(user: &User) -> ChangeUser {
    ChangeUser { user: UserRef::Id(user.id), password: None, mfa: None, language: None }
}

fn told(user: &User) -> impl Fn(Error) -> Failure {
    let id = user.id;
    move |error| Failure::other(format!("{id}: {error}"))
}

impl Which {
    /// A name is tried first: somebody may be called like an id.
    async fn find(&self, engine: &Engine) -> Result<(Caller, User), Failure> {
        let operator = operator_of(engine, &self.tenant).await?;
        let user = &self.user;
        let told = |error| Failure::other(format!("{user}: {error} in this tenant"));
        let id = user.parse::<UserId>().ok().or_else(|| UserId::from_uuid(user));
        let found = match (engine.user(&operator, &UserRef::Named(user.clone())).await, id) {
            (Err(Error::NotFound(_)), Some(id)) => engine.user(&operator, &UserRef::Id(id)).await,
            (found, _) => found,
        };
        Ok((operator, found.map_err(told)?))
    }
}

impl PasswordSource {
    async fn hash(&self, engine: &Engine) -> Result<String, Failure> {
        let password = read(self.password_file.as_deref())?;
        let hash = engine.hash_password(&password).await;
        hash.map_err(|error| Failure::other(format!("cannot hash the password: {error}")))
    }
}

/// Without the end of its line.
fn read(file: Option<&Path>) -> Result<String, Failure> {
    let text = if let Some(file) = file {
        fs::read_to_string(file).map_err(|error| Failure::other(format!("cannot read {}: {error}", file.display())))?
    } else {
        if io::stdin().is_terminal() {
            out::complain("Type the password, then Enter and Ctrl-D:");
        }
        let mut text = String::new();
        let read = io::stdin().read_to_string(&mut text);
        read.map_err(|error| Failure::other(format!("cannot read the password: {error}")))?;
        text
    };
    let password = text.trim_end_matches(['\r', '\n']).to_owned();
    if (1..=LONGEST_PASSWORD).contains(&password.len()) {
        Ok(password)
    } else {
        Err(Failure::other(format!("a password has 1 to {LONGEST_PASSWORD} bytes")))
    }
}

async fn show(engine: &Engine, operator: &Caller, user: &User) -> Result<(), Failure> {
    let told = told(user);
    let factors = engine.factors_of(operator, user.id).await.map_err(&told)?;
    out::line(&format!("{}  {}", user.id, user.id.to_uuid()))?;
    if let Some(language) = &user.language {
        out::line(&format!("reads {language}"))?;
    }
    for factor in &factors {
        out::line(&format!("{}  {}", factor.id, shown(factor)))?;
    }
    for service in engine.services(operator).await.map_err(&told)? {
        let held = engine.held_until(operator, &service.name, user.id, &factors).await.map_err(&told)?;
        if let Some(until) = held {
            let minutes = until.since(engine.now()).as_secs().div_ceil(60);
            out::line(&format!("blocked in {} for {minutes} more minutes", service.name))?;
        }
    }
    Ok(())
}

fn shown(factor: &Factor) -> String {
    let kind = match &factor.kind {
        FactorKind::Phone { .. } => "phone".to_owned(),
        FactorKind::Email { .. } => "mailbox".to_owned(),
        FactorKind::Totp { .. } => "app".to_owned(),
        FactorKind::RecoveryCodes { left, .. } => format!("{} recovery codes", left.len()),
    };
    format!("{kind}, {}", if factor.is_active() { "active" } else { "pending" })
}

/// What counts against log-ins, and what counts against the user in other ways.
async fn unblock(engine: &Engine, operator: &Caller, user: &User, from: Option<IpAddr>) -> Result<(), Failure> {
    let command = UnblockLogIn { user: user.id, peer: from };
    engine.run(operator, None, &command).await.map_err(told(user))?;
    engine.run(operator, None, &ReleaseUser { user: UserRef::Id(user.id) }).await.map_err(told(user))?;
    out::line(&format!("unblocked {}", user.id))
}
