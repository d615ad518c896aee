//! `countersign tenants`: the customers of this installation.

use super::ConfigFile;
use crate::{Failure, out};
use clap::{Args, Subcommand};
use countersign_engine::{
    Caller, Engine,
    commands::{CreateTenant, PutAccount},
};
use countersign_model::{
    Account,
    account::{amount_text, is_currency, parse_amount},
};

/// Make and list tenants
///
/// A tenant is a customer of this installation: its keys, its services and its verifications are seen by nobody else.
#[derive(Debug, Args)]
pub(super) struct Tenants {
    #[command(flatten)]
    file: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a tenant, and print its id
    Create {
        /// Its name, for `countersign keys --tenant`: a-z 0-9 - _ . only
        name: String,
    },
    /// List all tenants: id and name
    List,
    /// Show or set what a tenant may spend, and what a text message or a call costs it
    Balance {
        /// The tenant's name
        name: String,
        /// Set the balance, such as 12.50
        #[arg(long, value_name = "AMOUNT", value_parser = amount)]
        set: Option<i64>,
        /// Set the price of one message, such as 0.05; 0: messages cost nothing
        #[arg(long, value_name = "AMOUNT", value_parser = amount)]
        price: Option<i64>,
        /// Set the currency, such as EUR
        #[arg(long, value_name = "CODE", value_parser = currency)]
        currency: Option<String>,
    },
}

fn amount(text: &str) -> Result<i64, String> {
    parse_amount(text).ok_or_else(|| "this is no amount, such as 12.50, with at most 4 decimals".to_owned())
}

fn currency(text: &str) -> Result<String, String> {
    is_currency(text).then(|| text.to_owned()).ok_or_else(|| "a currency is three capital letters".to_owned())
}

impl Tenants {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let Self { file, action } = self;
        file.with_engine(async move |engine: &Engine| match action {
            Action::Create { name } => create(engine, name).await,
            Action::List => list(engine).await,
            Action::Balance { name, set, price, currency } => {
                let command = PutAccount { balance_e4: set, price_e4: price, currency };
                balance(engine, &name, &command).await
            }
        })
        .await
    }
}

async fn create(engine: &Engine, name: String) -> Result<(), Failure> {
    // The new tenant is nobody's: the caller's own plays no part in it.
    let operator = Caller::installation();
    let command = CreateTenant { name: name.clone() };
    match engine.run(&operator, None, &command).await {
        Ok(tenant) => out::line(&tenant.id.to_string()),
        Err(error) => Err(Failure::other(format!("cannot make the tenant {name}: {error}"))),
    }
}

async fn list(engine: &Engine) -> Result<(), Failure> {
    let tenants = engine.tenants().await;
    for tenant in tenants.map_err(|error| Failure::other(format!("cannot list the tenants: {error}")))? {
        out::line(&format!("{}  {}", tenant.id, tenant.name))?;
    }
    Ok(())
}

async fn balance(engine: &Engine, name: &str, command: &PutAccount) -> Result<(), Failure> {
    let told = |error| Failure::other(format!("{name}: {error}; `countersign tenants list` shows all"));
    let operator = Caller::operator(engine.tenant_named(name).await.map_err(told)?.id);
    let account = if command.balance_e4.is_none() && command.price_e4.is_none() && command.currency.is_none() {
        engine.account(&operator, None).await
    } else {
        engine.run(&operator, None, command).await
    };
    out::line(&shown(&account.map_err(told)?))
}

fn shown(account: &Account) -> String {
    let Account { balance_e4, price_e4, currency, .. } = account;
    format!("balance {} {currency}, price of a message {} {currency}", amount_text(*balance_e4), amount_text(*price_e4))
}
