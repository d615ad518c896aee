//! `countersign users`: the people of a tenant that log in with a password.

use super::{ConfigFile, keys::operator_of};
use crate::{Failure, wiring::Tool};
use clap::{Args, Subcommand};
use countersign_engine::{
    Caller, Engine, Error, Identity, UserRef,
    commands::{ChangeUser, CreateUser, DeleteUser, ReleaseUser, UnblockLogIn},
    passwords::LONGEST_PASSWORD,
};
use countersign_model::MfaRule;
use std::{
    fs,
    io::{self, IsTerminal as _, Read as _},
    net::IpAddr,
    path::{Path, PathBuf},
};

/// Make, change and delete a tenant's users
///
/// A password is read from a file, or from standard input: never from the command line, which others on the machine can see.
#[derive(Debug, Args)]
pub(super) struct Users {
    #[command(flatten)]
    file: ConfigFile,
    /// Whose users: the tenant's name
    #[arg(long)]
    tenant: String,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a user
    Create {
        /// What it logs in as, such as ana@example.com
        name: String,
        /// The file with its password; without it the password is read from standard input
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Whether a password is enough: off or required
        #[arg(long, value_name = "RULE", default_value = "required", value_parser = rule)]
        mfa: MfaRule,
        /// Its e-mail address, if that is another than its name
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
    },
    /// Give a user another password
    Password {
        /// What it logs in as
        name: String,
        /// The file with the password; without it the password is read from standard input
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Say whether a password is enough for a user: off or required
    Mfa {
        /// What it logs in as
        name: String,
        /// off or required
        #[arg(value_parser = rule)]
        rule: MfaRule,
    },
    /// Let a user try again after too many wrong passwords or codes
    Unblock {
        /// What it logs in as
        name: String,
        /// The address from which the passwords came; without it only wrong codes are forgiven
        #[arg(long, value_name = "ADDRESS")]
        from: Option<IpAddr>,
    },
    /// Delete a user, with all that it proves itself with
    Delete {
        /// What it logs in as
        name: String,
    },
}

fn rule(text: &str) -> Result<MfaRule, String> {
    match text {
        "off" => Ok(MfaRule::Off),
        "required" => Ok(MfaRule::Required),
        _ => Err("there is off, required".to_owned()),
    }
}

impl Users {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let tool = Tool::open(&self.file.load()?.settings).await?;
        let done = self.action.run(&tool.engine, &self.tenant).await;
        tool.close().await;
        done
    }
}

impl Action {
    async fn run(self, engine: &Engine, tenant: &str) -> Result<(), Failure> {
        let operator = operator_of(engine, tenant).await?;
        match self {
            Self::Create { name, password_file, mfa, email } => {
                let password = Some(hash(engine, password_file.as_deref()).await?);
                let identity = Identity { name: Some(as_typed_in(&name)), email };
                done(engine.run(&operator, None, &CreateUser { identity, password, mfa }).await, "make", &name)
            }
            Self::Password { name, password_file } => {
                let password = Some(hash(engine, password_file.as_deref()).await?);
                let change = ChangeUser { user: named(&name), password, mfa: None };
                done(engine.run(&operator, None, &change).await, "change", &name)
            }
            Self::Mfa { name, rule } => {
                let change = ChangeUser { user: named(&name), password: None, mfa: Some(rule) };
                done(engine.run(&operator, None, &change).await, "change", &name)
            }
            Self::Unblock { name, from } => unblock(engine, &operator, &name, from).await,
            Self::Delete { name } => {
                let user = engine.user(&operator, &named(&name)).await;
                let deleted = match user {
                    Ok(user) => engine.run(&operator, None, &DeleteUser { user: user.id }).await,
                    Err(error) => Err(error),
                };
                done(deleted, "delete", &name)
            }
        }
    }
}

/// What counts against a log-in, and what counts against a user in other ways.
async fn unblock(engine: &Engine, operator: &Caller, name: &str, from: Option<IpAddr>) -> Result<(), Failure> {
    let command = UnblockLogIn { name: as_typed_in(name), peer: from };
    done(engine.run(operator, None, &command).await, "unblock", name)?;
    done(engine.run(operator, None, &ReleaseUser { user: named(name) }).await, "unblock", name)
}

/// People do not mind how large the letters of their address are.
fn as_typed_in(name: &str) -> String {
    name.trim().to_lowercase()
}

fn named(name: &str) -> UserRef {
    UserRef::Named(as_typed_in(name))
}

fn done<T>(result: Result<T, Error>, what: &str, name: &str) -> Result<(), Failure> {
    result.map(drop).map_err(|error| Failure::other(format!("cannot {what} {name}: {error}")))
}

async fn hash(engine: &Engine, file: Option<&Path>) -> Result<String, Failure> {
    let password = password(file)?;
    engine.hash_password(&password).await.map_err(|error| Failure::other(format!("cannot hash the password: {error}")))
}

/// Without the end of its line.
fn password(file: Option<&Path>) -> Result<String, Failure> {
    let text = match file {
        Some(file) => fs::read_to_string(file)
            .map_err(|error| Failure::other(format!("cannot read {}: {error}", file.display())))?,
        None => {
            if io::stdin().is_terminal() {
                crate::out::complain("Type the password, then Enter and Ctrl-D:");
            }
            let mut text = String::new();
            let read = io::stdin().read_to_string(&mut text);
            read.map_err(|error| Failure::other(format!("cannot read the password: {error}")))?;
            text
        }
    };
    let password = text.trim_end_matches(['\r', '\n']).to_owned();
    if (1..=LONGEST_PASSWORD).contains(&password.len()) {
        Ok(password)
    } else {
        Err(Failure::other(format!("a password has 1 to {LONGEST_PASSWORD} bytes")))
    }
}
