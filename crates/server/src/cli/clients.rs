//! `countersign clients`: the applications of a tenant that get tokens.

use super::{ConfigFile, keys::operator_of};
use crate::{Failure, out};
use clap::{Args, Subcommand};
use countersign_engine::{
    Caller, Engine,
    clients::PublicKey,
    commands::{ClientKind, CreateClient, DeleteClient},
};
use countersign_model::{Api, Client, ClientProof, Grant};
use std::{fs, path::PathBuf};

/// Make, list and delete a tenant's clients: the applications that get tokens
#[derive(Debug, Args)]
pub(super) struct Clients {
    #[command(flatten)]
    file: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a client and print its id, and its secret this once: only its hash is kept
    Create(Create),
    /// List a tenant's clients
    List {
        /// Whose clients: the tenant's name
        #[arg(long)]
        tenant: String,
    },
    /// Delete a client: it gets no more tokens
    Delete {
        /// Whose client: the tenant's name
        #[arg(long)]
        tenant: String,
        /// The client's id, as the list shows it
        id: String,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// Whose client: the tenant's name
    #[arg(long)]
    tenant: String,
    /// What it is, so that you know it again in the list
    #[arg(long)]
    name: String,
    /// It cannot keep a secret: a page in a browser, a program on a phone
    #[arg(long, conflicts_with = "public_key_file")]
    public: bool,
    /// It signs what it is (private_key_jwt): its public key (PEM), in place of a secret
    #[arg(long, value_name = "FILE")]
    public_key_file: Option<PathBuf>,
    /// In which way it may get tokens: password, refresh-token, client-credentials or mfa; may be given more than once. Without
    /// it: password, refresh-token and mfa
    #[arg(long = "grant", value_name = "GRANT", value_parser = grant)]
    grants: Vec<Grant>,
    /// An API for which it may have tokens, and what it may ask for there: "https://api.example.com/ read:things write:things";
    /// may be given more than once
    #[arg(long = "api", value_name = "AUDIENCE SCOPES", value_parser = api)]
    apis: Vec<Api>,
    /// What it may do in the management API, such as read:users; may be given more than once
    #[arg(long = "management", value_name = "SCOPE")]
    management: Vec<String>,
    /// Where a page of ours may send the browser back to, to the letter; may be given more than once
    #[arg(long = "return-to", value_name = "URL", value_parser = url)]
    return_to: Vec<String>,
    /// An origin whose pages may call with it, such as https://shop.example.com; may be given more than once
    #[arg(long = "origin", value_name = "ORIGIN", value_parser = origin)]
    origins: Vec<String>,
}

fn grant(text: &str) -> Result<Grant, String> {
    Grant::parse(text).ok_or_else(|| format!("there is {}", Grant::ALL.map(Grant::name).join(", ")))
}

fn api(text: &str) -> Result<Api, String> {
    let mut words = text.split_whitespace().map(str::to_owned);
    let audience = words.next().ok_or("it begins with the API's audience")?;
    Ok(Api { audience, scopes: words.collect() })
}

/// A page of ours sends the browser nowhere but where TLS protects what goes along, or to this machine.
fn url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://localhost"));
    let fits = rest.is_some_and(|rest| !rest.is_empty()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| text.to_owned()).ok_or_else(|| "this is no https:// address".to_owned())
}

fn origin(text: &str) -> Result<String, String> {
    let is_origin = text.split_once("://").is_some_and(|(scheme, host)| {
        ["http", "https"].contains(&scheme) && !host.is_empty() && !host.contains(['/', '?', '#', '@', '*', ' '])
    });
    is_origin.then(|| text.to_owned()).ok_or_else(|| "this is no origin, such as https://shop.example.com".to_owned())
}

/// What a client may do when nobody says.
const USUAL: [Grant; 3] = [Grant::Password, Grant::RefreshToken, Grant::Mfa];

impl Clients {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let Self { file, action } = self;
        file.with_engine(async move |engine: &Engine| action.run(engine).await).await
    }
}

impl Action {
    async fn run(self, engine: &Engine) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(engine).await,
            Self::List { tenant } => list(engine, &operator_of(engine, &tenant).await?).await,
            Self::Delete { tenant, id } => {
                let deleted =
                    engine.run(&operator_of(engine, &tenant).await?, None, &DeleteClient { id: id.clone() }).await;
                deleted.map_err(|error| {
                    Failure::other(format!("cannot delete {id}: {error}; `countersign clients list` shows all"))
                })
            }
        }
    }
}

impl Create {
    async fn run(self, engine: &Engine) -> Result<(), Failure> {
        let operator = operator_of(engine, &self.tenant).await?;
        let command = CreateClient {
            kind: self.kind()?,
            name: self.name,
            grants: if self.grants.is_empty() { USUAL.to_vec() } else { self.grants },
            apis: self.apis,
            management: self.management,
            return_to: self.return_to,
            origins: self.origins,
        };
        let made = engine.run(&operator, None, &command).await;
        let made = made.map_err(|error| Failure::other(format!("cannot make the client: {error}")))?;
        out::line(&format!("client_id {}", made.client.id))?;
        made.secret.map_or(Ok(()), |secret| out::line(&format!("client_secret {secret}")))
    }

    fn kind(&self) -> Result<ClientKind, Failure> {
        match &self.public_key_file {
            None if self.public => Ok(ClientKind::Public),
            None => Ok(ClientKind::Secret),
            Some(file) => {
                let pem = fs::read_to_string(file)
                    .map_err(|error| Failure::other(format!("cannot read {}: {error}", file.display())))?;
                let key = PublicKey::parse(&pem);
                key.map(ClientKind::Key).ok_or_else(|| {
                    Failure::other(format!("{}: no public key of RSA or of an elliptic curve (PEM)", file.display()))
                })
            }
        }
    }
}

async fn list(engine: &Engine, operator: &Caller) -> Result<(), Failure> {
    let clients = engine.clients(operator).await;
    for client in clients.map_err(|error| Failure::other(format!("cannot list the clients: {error}")))? {
        out::line(&shown(&client))?;
    }
    Ok(())
}

fn shown(client: &Client) -> String {
    let proof = match client.proof {
        ClientProof::Public => "public",
        ClientProof::Secret(_) => "secret",
        ClientProof::Key(_) => "key",
    };
    let grants: Vec<&str> = client.grants.iter().map(|grant| grant.name()).collect();
    format!("{}  {proof:6}  {}  {}", client.id, grants.join(","), client.name)
}
