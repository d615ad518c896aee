//! SQLite, PostgreSQL with one node, and PostgreSQL with several, in one run: the same work over the same number of connections.
//! The database is Debian's with its default settings but for its memory, on the same disk, and waits for it.
//!
//! `cargo run --release -p countersign-bench -- --nodes 3`

use crate::{
    Arguments, Outcome,
    load::{Load, Measured},
    process::Process,
    product::Product,
    work::{Check, Cycle, Start},
};
use countersign_store::testing::Server;
use std::{fmt::Write as _, path::Path, time::Duration};
use tempfile::TempDir;

/// What each store is measured with.
const WORK: [&str; 3] = ["start, durable", "check, right code, durable", "start + check cycle (requests)"];

/// Measures all, and gives the table.
pub async fn run(arguments: &Arguments) -> Outcome<String> {
    let product = Product::start(&arguments.server).await?;
    let on_file = measured(arguments, &product, &[]).await?;
    product.stop().await?;
    let alone = on_database(arguments, 1).await?;
    let together = on_database(arguments, arguments.nodes).await?;
    let mut table = format!(
        "{} connections; clients, servers and the database on the same machine; requests/s, p99 in ms\n\n\
         | what | SQLite | p99 | PostgreSQL, one node | of SQLite | p99 | PostgreSQL, {} nodes | of SQLite | p99 |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        arguments.connections, arguments.nodes
    );
    for (((what, file), one), many) in WORK.iter().zip(&on_file).zip(&alone).zip(&together) {
        write!(table, "| {what} | {:.0} | {:.1} |", file.rate(), file.percentile_ms(0.99))?;
        for other in [one, many] {
            let share = 100.0 * other.rate() / file.rate();
            write!(table, " {:.0} | {share:.0} % | {:.1} |", other.rate(), other.percentile_ms(0.99))?;
        }
        table.push('\n');
    }
    Ok(table)
}

async fn on_database(arguments: &Arguments, nodes: usize) -> Outcome<Vec<Measured>> {
    let database = Server::start_durable();
    let first = Product::start_node(&arguments.server, &database.url, TempDir::new()?).await?;
    let mut others = Vec::new();
    for _ in 1..nodes {
        others.push(Product::start_node(&arguments.server, &database.url, TempDir::new()?).await?.process);
    }
    measured(arguments, &first, &others).await
}

async fn measured(arguments: &Arguments, product: &Product, others: &[Process]) -> Outcome<Vec<Measured>> {
    let (connections, span) = (arguments.connections, Duration::from_secs(arguments.seconds));
    let load = Load::closed(connections, span);
    let servers: Vec<&Process> = std::iter::once(&product.process).chain(others).collect();
    let start = load.run(&servers, |number| Start::new(product, number)).await?;
    product.settled().await?;
    let enough = usize::try_from(start.requests()).unwrap_or(0).min(400_000) * 3 / 2;
    let ready = product.pending(enough, connections).await?;
    let check = load.run(&servers, |number| Check::right(product, &ready, number, connections)).await?;
    let cycle = load.run(&servers, |number| Cycle::new(product, number)).await?;
    Ok(vec![start, check, cycle])
}

impl Product {
    async fn start_node(binary: &Path, url: &str, data: TempDir) -> Outcome<Self> {
        Self::start_with(binary, data, &["--store-url", url]).await
    }
}
