//! News between nodes. What a node has committed it tells the others after the commit, on a connection of its own and
//! several commits at a time: a `NOTIFY` inside a transaction would make all commits of all nodes queue for one lock. News
//! that are lost with their node cost no more than a nap of the jobs.

use super::{
    error::plain,
    leases,
    link::{Session, connect},
    url::Target,
};
use crate::{
    Error,
    wake::{Topic, Topics, Wake},
};
use futures_util::{StreamExt as _, stream};
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::AsyncMessage;

const LISTEN: &str = "LISTEN countersign";
const NOTIFY: &str = "SELECT pg_notify('countersign', $1)";
/// After a failure.
const PAUSE: Duration = Duration::from_millis(500);

/// Tells and hears until it is dropped. `listening` is told once nothing can be missed any more.
pub(super) async fn run(target: Arc<Target>, wake: Arc<Wake>, listening: oneshot::Sender<()>) {
    let mut listening = Some(listening);
    loop {
        if let Err(error) = converse(&target, &wake, &mut listening).await {
            tracing::warn!(%error, "no news from other nodes for a moment");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Until the connection breaks.
async fn converse(target: &Arc<Target>, wake: &Wake, listening: &mut Option<oneshot::Sender<()>>) -> Result<(), Error> {
    let (session, mut connection) = connect(target).await?;
    let (heard, mut news) = mpsc::unbounded_channel();
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    let driven = async move {
        while let Some(message) = messages.next().await {
            match message {
                Ok(AsyncMessage::Notification(notification)) => {
                    // Nobody listens any more when this part has ended.
                    let _ = heard.send(notification);
                }
                Ok(_) => {}
                Err(error) => return Err(Error::Unavailable(plain(&error))),
            }
        }
        Ok(())
    };
    let spoken = async {
        session.client().batch_execute(LISTEN).await?;
        leases::share(&session).await?;
        let own = own_process(&session).await?;
        match listening.take() {
            // Whoever opens the store waits for this; if it does not any more, it has given up.
            Some(listening) => drop(listening.send(())),
            // Whatever was missed meanwhile.
            None => Topic::ALL.into_iter().for_each(|topic| wake.hear(topic)),
        }
        loop {
            tokio::select! {
                topics = wake.to_tell() => tell(&session, topics).await?,
                Some(notification) = news.recv() => {
                    if notification.process_id() != own {
                        hear(wake, notification.payload());
                    }
                }
            }
        }
    };
    tokio::select! {
        ended = driven => ended,
        failed = spoken => failed,
    }
}

async fn own_process(session: &Session) -> Result<i32, Error> {
    Ok(session.client().query_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)?)
}

async fn tell(session: &Session, topics: Topics) -> Result<(), Error> {
    let names: Vec<&str> = topics.each().map(Topic::name).collect();
    let statement = session.patiently(session.prepared(NOTIFY)).await?;
    session.patiently(session.client().execute(&statement, &[&names.join(" ")])).await?;
    Ok(())
}

fn hear(wake: &Wake, payload: &str) {
    for name in payload.split(' ') {
        // A newer node may know a topic more.
        if let Some(topic) = Topic::ALL.into_iter().find(|topic| topic.name() == name) {
            wake.hear(topic);
        }
    }
}
