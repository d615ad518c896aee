//! How fast the product is, next to a handler that does nothing, in one run on one machine. The load generator keeps connections
//! open and asks as fast as it is answered (closed loop), or at a fixed rate whether or not it is answered (open loop, so that a
//! stall is counted against everybody who would have asked meanwhile). What is compared are the ratios of one run.
//!
//! `cargo run --release -p countersign-bench -- [--server PATH] [--seconds N] [--connections N] [--prefill N]`
//!
//! With `--nodes N` it measures the product on PostgreSQL beside the product on SQLite instead (`nodes.rs`).
//! With `--prefill N` so many verifications are stored before the first request (`filling.rs`).
//! With `--flame FOLDER` samples of the server's stacks are written there (`flame.rs`).
//! With `--trials N` it measures lists and statistics over so many trials instead (`trials.rs`).

mod client;
mod dialects;
mod filling;
mod flame;
mod load;
mod nodes;
mod nothing;
mod process;
mod product;
mod table;
mod trials;
mod work;

use load::{Load, Measured};
use process::Process;
use product::Product;
use std::{error::Error, fmt::Display, path::PathBuf, time::Duration};
use work::{Check, Cycle, Gateway360Verify, Nothing, Start, Work};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

struct Arguments {
    server: PathBuf,
    seconds: u64,
    connections: usize,
    prefill: usize,
    trials: u32,
    nodes: usize,
    flame: Option<PathBuf>,
}

impl Arguments {
    fn parse() -> Outcome<Self> {
        let mut found = Self {
            server: PathBuf::from("target/release/countersign"),
            seconds: 5,
            connections: 64,
            prefill: 0,
            trials: 0,
            nodes: 0,
            flame: None,
        };
        let mut words = std::env::args().skip(1);
        while let Some(name) = words.next() {
            let value = words.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--server" => found.server = PathBuf::from(value),
                "--seconds" => found.seconds = value.parse()?,
                "--connections" => found.connections = value.parse()?,
                "--trials" => found.trials = value.parse()?,
                "--nodes" => found.nodes = value.parse()?,
                "--flame" => found.flame = Some(PathBuf::from(value)),
                "--prefill" => found.prefill = value.parse()?,
                _ => return Err(format!("there is no {name}").into()),
            }
        }
        Ok(found)
    }
}

#[tokio::main]
async fn main() -> Outcome<()> {
    if std::env::args().nth(1).as_deref() == Some(nothing::ARGUMENT) {
        return nothing::serve().await;
    }
    let arguments = Arguments::parse()?;
    if arguments.trials > 0 {
        print(&trials::run(&arguments.server, arguments.trials).await?);
        return Ok(());
    }
    if arguments.nodes > 0 {
        print(&nodes::run(&arguments).await?);
        return Ok(());
    }
    let span = Duration::from_secs(arguments.seconds);
    let closed = Load::closed(arguments.connections, span);
    let nothing = nothing::start().await?;
    let mut product = Product::start(&arguments.server).await?;
    let mut table = table::Table::new(&product, arguments.connections);
    table.memory("at rest", product.process.memory_at_rest_kib().await?);
    if arguments.prefill > 0 {
        let data = product.stop().await?;
        filling::fill(data.path(), arguments.prefill).await?;
        product = Product::start_on(&arguments.server, data).await?;
        table
            .memory(&format!("at rest with {} stored", arguments.prefill), product.process.memory_at_rest_kib().await?);
    }

    let baseline = measured(&nothing, &closed, Nothing::new).await?;
    table.row("do-nothing handler", &baseline, None);
    let (flame, beside) = (arguments.flame.as_deref(), (&product.process, span));
    let start = measured(&product.process, &closed, |n| Start::new(&product, n));
    let start = flame::beside(flame, "start", beside, start).await?;
    table.row("start, durable, delivered meanwhile", &start, Some(&baseline));
    table.note(&format!("of these not yet delivered at the end: {}", product.waiting().await?));
    product.settled().await?;
    let enough = usize::try_from(start.requests()).unwrap_or(0).min(400_000) * 3 / 2;
    let ready = product.pending(enough, arguments.connections).await?;
    let right = measured(&product.process, &closed, |n| Check::right(&product, &ready, n, arguments.connections));
    let right = flame::beside(flame, "check", beside, right).await?;
    table.row("check, right code, durable", &right, Some(&baseline));
    let ready = product.pending(enough, arguments.connections).await?;
    let wrong =
        measured(&product.process, &closed, |n| Check::wrong(&product, &ready, n, arguments.connections)).await?;
    table.row("check, wrong code, durable", &wrong, Some(&baseline));
    let cycle = measured(&product.process, &closed, |n| Cycle::new(&product, n)).await?;
    table.row("start + check cycle (requests)", &cycle, Some(&baseline));
    let mixed = measured(&product.process, &closed, |n| Start::mixed(&product, n)).await?;
    table.row("start, two tenants in turn", &mixed, Some(&baseline));
    for call in dialects::Call::all(&product).await? {
        let (_, place) = product.codes_after(0).await?;
        let made = measured(&product.process, &closed, |_| dialects::Caller::new(&call, &product)).await?;
        table.row(call.title, &made, Some(&baseline));
        if call.title.starts_with("Gateway360") {
            let (key, (pins, _)) = (product.credential("gateway360/api_key")?, product.codes_after(place).await?);
            let verify = |n| Gateway360Verify::new(&key, &pins, n, arguments.connections);
            let verified = measured(&product.process, &closed, verify).await?;
            table.row("Gateway360 2fa/verify, PIN read back", &verified, Some(&baseline));
        }
    }
    let half = Load::open(arguments.connections, span, right.rate() / 2.0);
    let ready = product.pending(enough, arguments.connections).await?;
    let relaxed =
        measured(&product.process, &half, |n| Check::right(&product, &ready, n, arguments.connections)).await?;
    table.row("check at half load, open loop", &relaxed, None);
    table.memory("after it all", product.process.memory_kib()?);
    print(&table);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table is what a run is for")]
fn print(table: &impl Display) {
    println!("{table}");
}

async fn measured<W: Work>(server: &Process, load: &Load, work: impl Fn(usize) -> W) -> Outcome<Measured> {
    load.run(&[server], work).await
}
