//! An SMSC of our own, made of the codec that the provider speaks with: for clients of other makes, and for what no other SMSC
//! does. It lets in who knows the password, takes so many messages a second, knows a message that it has already and answers
//! as the first time, and hands each receipt over until it is acknowledged. It ends with its value.

use countersign_delivery::providers::smpp::{
    frame::{Framed, Frames},
    pdu::{BindAnswer, Body, Parameter, Party, Pdu, Role, ShortMessage, tag},
    status::Status,
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
    time::Instant,
};

/// How an SMSC is to behave.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    /// Whom it lets in.
    pub system_id: &'static str,
    /// With which password.
    pub password: &'static str,
    /// How many messages a second it takes; none: all.
    pub per_second: Option<u32>,
    /// What it sends before each receipt: octets that are no PDU, or one that nobody understands.
    pub garbage: Vec<u8>,
}

/// What it has seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How often the phone with this number was given a message.
    pub given: BTreeMap<String, u32>,
    /// How often the receipt for this number was acknowledged.
    pub acknowledged: BTreeMap<String, u32>,
    /// How often a message came that was there already.
    pub repeated: u32,
    /// How often more came than was agreed.
    pub throttled: u32,
    /// How often somebody was let in.
    pub bound: u32,
    /// How often it was told that it cannot be understood.
    pub nacked: u32,
}

/// A running SMSC.
pub struct Simulator {
    /// Where it listens.
    pub port: u16,
    smsc: Arc<Smsc>,
    listening: JoinHandle<()>,
}

impl Simulator {
    /// Starts one.
    pub async fn start(orders: Orders) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let smsc = Arc::new(Smsc { orders, state: Mutex::default(), news: Notify::new() });
        let serving = Arc::clone(&smsc);
        let listening = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(Arc::clone(&serving), stream));
            }
        });
        Self { port, smsc, listening }
    }

    /// What it has seen up to now.
    pub fn seen(&self) -> Seen {
        self.smsc.state.lock().unwrap().seen.clone()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

struct Smsc {
    orders: Orders,
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    seen: Seen,
    /// The messages that it has, by what makes two of them the same, and their names.
    taken: HashMap<Same, u32>,
    owed: VecDeque<Receipt>,
    second: Option<(Instant, u32)>,
}

/// Sender, destination and octets.
type Same = (String, String, Vec<u8>);

/// What is still to be told of a message.
#[derive(Clone)]
struct Receipt {
    name: u32,
    of: (Party, Party),
}

impl Smsc {
    fn let_in(&self, system_id: &str, password: &str) -> Status {
        if (system_id, password) == (self.orders.system_id, self.orders.password) {
            self.state.lock().unwrap().seen.bound += 1;
            Status::ESME_ROK
        } else {
            Status::ESME_RINVPASWD
        }
    }

    /// Takes a message; its name is hexadecimal here and decimal in its receipt.
    fn take(&self, message: &ShortMessage) -> (Status, String) {
        let mut state = self.state.lock().unwrap();
        let state = &mut *state;
        if self.orders.per_second.is_some_and(|most| state.count_this_second() > most) {
            state.seen.throttled += 1;
            return (Status::ESME_RTHROTTLED, String::new());
        }
        let (from, to) = (message.source.address.clone(), message.destination.address.clone());
        let next = u32::try_from(state.taken.len()).unwrap() + 1;
        let name = *state.taken.entry((from, to.clone(), message.content().to_vec())).or_insert(next);
        if name == next {
            *state.seen.given.entry(to).or_default() += 1;
        } else {
            state.seen.repeated += 1;
        }
        if message.registered_delivery & 1 == 1 {
            state.owed.push_back(Receipt { name, of: (message.destination.clone(), message.source.clone()) });
        }
        (Status::ESME_ROK, format!("{name:x}"))
    }
}

impl State {
    fn count_this_second(&mut self) -> u32 {
        let now = Instant::now();
        let (since, count) = self.second.filter(|(since, _)| now < *since + Duration::from_secs(1)).unwrap_or((now, 0));
        self.second = Some((since, count + 1));
        count + 1
    }
}

impl Receipt {
    fn pdu(&self, sequence: u32) -> Pdu {
        let text = format!(
            "id:{:010} sub:001 dlvrd:001 submit date:2601011200 done date:2601011200 stat:DELIVRD err:000 text:",
            self.name
        );
        let message = ShortMessage {
            source: self.of.0.clone(),
            destination: self.of.1.clone(),
            esm_class: 4,
            text: text.into_bytes(),
            parameters: vec![Parameter::number8(tag::MESSAGE_STATE, 2)],
            ..ShortMessage::default()
        };
        Pdu::request(sequence, Body::DeliverSm(Box::new(message)))
    }
}

/// One connection.
struct Session {
    smsc: Arc<Smsc>,
    out: Vec<u8>,
    role: Option<Role>,
    under_way: BTreeMap<u32, Receipt>,
    next_sequence: u32,
}

/// How many receipts are handed over at once.
const WINDOW: usize = 50;

async fn serve(smsc: Arc<Smsc>, mut stream: TcpStream) {
    let mut session = Session { smsc, out: Vec::new(), role: None, under_way: BTreeMap::new(), next_sequence: 1 };
    let (mut frames, mut octets) = (Frames::default(), vec![0; 16 * 1024]);
    let mut is_open = true;
    while is_open {
        session.hand_over();
        if stream.write_all(&std::mem::take(&mut session.out)).await.is_err() {
            break;
        }
        let smsc = Arc::clone(&session.smsc);
        tokio::select! {
            read = stream.read(&mut octets) => {
                let length = read.unwrap_or(0);
                is_open = length > 0;
                frames.push(&octets[..length]);
                while let Some(framed) = frames.next() {
                    is_open &= session.hear(framed);
                }
            }
            () = smsc.news.notified() => {}
        }
    }
    let _ = stream.write_all(&session.out).await;
    // What was not acknowledged here goes to whoever comes next.
    session.smsc.state.lock().unwrap().owed.extend(session.under_way.into_values());
    session.smsc.news.notify_one();
}

impl Session {
    fn hand_over(&mut self) {
        if !matches!(self.role, Some(Role::Receiver | Role::Transceiver)) {
            return;
        }
        let mut state = self.smsc.state.lock().unwrap();
        while self.under_way.len() < WINDOW
            && let Some(receipt) = state.owed.pop_front()
        {
            self.out.extend(&self.smsc.orders.garbage);
            receipt.pdu(self.next_sequence).write(&mut self.out);
            self.under_way.insert(self.next_sequence, receipt);
            self.next_sequence += 1;
        }
    }

    /// Answers what was said; whether the session goes on.
    fn hear(&mut self, framed: Framed) -> bool {
        let pdu = match framed {
            Framed::Pdu(pdu) => pdu,
            Framed::Garbled(garbled) => {
                self.answer(garbled.status, garbled.sequence, Body::GenericNack);
                return true;
            }
            Framed::Noise => {
                self.answer(Status::ESME_RINVCMDLEN, 0, Body::GenericNack);
                return true;
            }
        };
        let (sequence, ok) = (pdu.sequence, Status::ESME_ROK);
        match pdu.body {
            Body::Bind(role, bind) => {
                let status = self.smsc.let_in(&bind.system_id, &bind.password);
                self.role = (status == ok).then_some(role);
                let answer = BindAnswer { system_id: "simulator".into(), ..BindAnswer::default() };
                self.answer(status, sequence, Body::BindResp(role, answer));
            }
            Body::SubmitSm(_) if !matches!(self.role, Some(Role::Transmitter | Role::Transceiver)) => {
                self.answer(Status::ESME_RINVBNDSTS, sequence, Body::SubmitSmResp { message_id: String::new() });
            }
            Body::SubmitSm(message) => {
                let (status, message_id) = self.smsc.take(&message);
                self.answer(status, sequence, Body::SubmitSmResp { message_id });
                self.smsc.news.notify_one();
            }
            Body::DeliverSmResp => {
                let Some(receipt) = self.under_way.remove(&sequence) else { return true };
                let mut state = self.smsc.state.lock().unwrap();
                if pdu.status == ok {
                    *state.seen.acknowledged.entry(receipt.of.0.address).or_default() += 1;
                } else {
                    state.owed.push_back(receipt);
                }
            }
            Body::EnquireLink => self.answer(ok, sequence, Body::EnquireLinkResp),
            Body::Unbind => {
                self.answer(ok, sequence, Body::UnbindResp);
                return false;
            }
            Body::GenericNack => self.smsc.state.lock().unwrap().seen.nacked += 1,
            Body::BindResp(..)
            | Body::Outbind
            | Body::UnbindResp
            | Body::SubmitSmResp { .. }
            | Body::DataSmResp { .. }
            | Body::EnquireLinkResp
            | Body::AlertNotification => {}
            Body::DeliverSm(_) | Body::DataSm(_) | Body::Other { .. } => {
                self.answer(Status::ESME_RINVCMDID, sequence, Body::GenericNack);
            }
        }
        true
    }

    fn answer(&mut self, status: Status, sequence: u32, body: Body) {
        Pdu::response(status, sequence, body).write(&mut self.out);
    }
}
