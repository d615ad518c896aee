//! The bytes of SMPP 3.4: each PDU that a client or a server of ours meets, read and written. SMPP 5.0 has the same ones. What
//! is read is not trusted and not judged: that is the session's business (`session.rs`), and where a PDU ends in a stream is
//! `frame.rs`'s.

use super::{
    octets::{Reader, write_parameters, write_text},
    status::Status,
};

pub use super::octets::Parameter;

/// Octets of the head: length, command, status, sequence.
pub const HEAD: usize = 16;
/// In a command, what makes a response of it.
const RESPONSE: u32 = 0x8000_0000;

/// The optional parameters (SMPP 3.4, 5.3.2) that we write or read.
pub mod tag {
    /// The message of a receipt, by the name that its `submit_sm` was answered with.
    pub const RECEIPTED_MESSAGE_ID: u16 = 0x001e;
    /// A number of our own for the message, which some peers repeat in its receipt.
    pub const USER_MESSAGE_REFERENCE: u16 = 0x0204;
    /// What the parts of a long message have in common.
    pub const SAR_MSG_REF_NUM: u16 = 0x020c;
    /// How many parts there are.
    pub const SAR_TOTAL_SEGMENTS: u16 = 0x020e;
    /// Which part this is, from 1 on.
    pub const SAR_SEGMENT_SEQNUM: u16 = 0x020f;
    /// A message that is too long for its field.
    pub const MESSAGE_PAYLOAD: u16 = 0x0424;
    /// What became of the message of a receipt.
    pub const MESSAGE_STATE: u16 = 0x0427;
    /// India's DLT, as its operators agreed on: the id of the principal entity.
    pub const DLT_ENTITY: u16 = 0x1400;
    /// The same: the id of the registered text.
    pub const DLT_TEMPLATE: u16 = 0x1401;
}

/// One PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pdu {
    /// What a response says of the request; 0 in requests.
    pub status: Status,
    /// Which request this is, or is the response to.
    pub sequence: u32,
    /// The rest.
    pub body: Body,
}

/// What a PDU says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the standard's")]
pub enum Body {
    GenericNack,
    Bind(Role, Box<Bind>),
    BindResp(Role, BindAnswer),
    Outbind,
    Unbind,
    UnbindResp,
    SubmitSm(Box<ShortMessage>),
    SubmitSmResp { message_id: String },
    DeliverSm(Box<ShortMessage>),
    DeliverSmResp,
    DataSm(Box<ShortMessage>),
    DataSmResp { message_id: String },
    EnquireLink,
    EnquireLinkResp,
    AlertNotification,
    Other { command: u32, octets: Vec<u8> },
}

/// What a session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It gets messages and receipts.
    Receiver,
    /// It sends messages.
    Transmitter,
    /// Both.
    Transceiver,
}

impl Role {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Receiver, Self::Transmitter, Self::Transceiver];

    const fn command(self) -> u32 {
        match self {
            Self::Receiver => 0x01,
            Self::Transmitter => 0x02,
            Self::Transceiver => 0x09,
        }
    }

    /// Its name in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Receiver => "receiver",
            Self::Transmitter => "transmitter",
            Self::Transceiver => "transceiver",
        }
    }
}

/// Who asks for a session. The password is for the wire only.
#[derive(Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the standard's")]
pub struct Bind {
    pub system_id: String,
    pub password: String,
    pub system_type: String,
    pub interface_version: u8,
    pub address_range: String,
}

impl std::fmt::Debug for Bind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bind").field("interface_version", &self.interface_version).finish_non_exhaustive()
    }
}

/// Who answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the standard's")]
pub struct BindAnswer {
    pub system_id: String,
    pub parameters: Vec<Parameter>,
}

/// A number or a name, with its kind and its plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the standard's")]
pub struct Party {
    pub ton: u8,
    pub npi: u8,
    pub address: String,
}

/// What `submit_sm`, `deliver_sm` and `data_sm` carry; the last has fewer fields, and its text among the parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the standard's")]
pub struct ShortMessage {
    pub service_type: String,
    pub source: Party,
    pub destination: Party,
    pub esm_class: u8,
    pub protocol_id: u8,
    pub priority: u8,
    pub schedule: String,
    pub validity: String,
    pub registered_delivery: u8,
    pub replace_if_present: u8,
    pub data_coding: u8,
    pub default_message: u8,
    /// At most 255 octets; what goes beyond is not written.
    pub text: Vec<u8>,
    pub parameters: Vec<Parameter>,
}

impl ShortMessage {
    /// An optional parameter.
    #[must_use]
    pub fn parameter(&self, tag: u16) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.tag == tag)
    }

    /// Its text, wherever it stands.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        match self.parameter(tag::MESSAGE_PAYLOAD) {
            Some(payload) if self.text.is_empty() => &payload.value,
            _ => &self.text,
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut message = Self {
            service_type: reader.text()?,
            source: Party::read(reader)?,
            destination: Party::read(reader)?,
            esm_class: reader.octet()?,
            protocol_id: reader.octet()?,
            priority: reader.octet()?,
            schedule: reader.text()?,
            validity: reader.text()?,
            registered_delivery: reader.octet()?,
            replace_if_present: reader.octet()?,
            data_coding: reader.octet()?,
            default_message: reader.octet()?,
            ..Self::default()
        };
        let length = reader.octet()?;
        message.text = reader.take(length.into())?.to_vec();
        message.parameters = reader.parameters();
        Some(message)
    }

    fn read_data(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            service_type: reader.text()?,
            source: Party::read(reader)?,
            destination: Party::read(reader)?,
            esm_class: reader.octet()?,
            registered_delivery: reader.octet()?,
            data_coding: reader.octet()?,
            parameters: reader.parameters(),
            ..Self::default()
        })
    }

    fn write(&self, to: &mut Vec<u8>) {
        write_text(to, &self.service_type);
        self.source.write(to);
        self.destination.write(to);
        to.extend([self.esm_class, self.protocol_id, self.priority]);
        write_text(to, &self.schedule);
        write_text(to, &self.validity);
        to.extend([self.registered_delivery, self.replace_if_present, self.data_coding, self.default_message]);
        let length = u8::try_from(self.text.len()).unwrap_or(u8::MAX);
        to.push(length);
        to.extend(self.text.iter().take(length.into()));
        write_parameters(to, &self.parameters);
    }

    fn write_data(&self, to: &mut Vec<u8>) {
        write_text(to, &self.service_type);
        self.source.write(to);
        self.destination.write(to);
        to.extend([self.esm_class, self.registered_delivery, self.data_coding]);
        write_parameters(to, &self.parameters);
    }
}

impl Party {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { ton: reader.octet()?, npi: reader.octet()?, address: reader.text()? })
    }

    fn write(&self, to: &mut Vec<u8>) {
        to.extend([self.ton, self.npi]);
        write_text(to, &self.address);
    }
}

impl Bind {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (system_id, password, system_type) = (reader.text()?, reader.text()?, reader.text()?);
        let interface_version = reader.octet()?;
        reader.take(2)?;
        Some(Self {
            system_id,
            password,
            system_type,
            interface_version,
            address_range: reader.text().unwrap_or_default(),
        })
    }

    fn write(&self, to: &mut Vec<u8>) {
        write_text(to, &self.system_id);
        write_text(to, &self.password);
        write_text(to, &self.system_type);
        to.extend([self.interface_version, 0, 0]);
        write_text(to, &self.address_range);
    }
}

/// The head of a PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Octets of the whole, the head included.
    pub length: u32,
    /// What it is.
    pub command: u32,
    /// What a response says.
    pub status: Status,
    /// Which request.
    pub sequence: u32,
}

impl Head {
    /// Reads one; none if there are less than 16 octets.
    #[must_use]
    pub fn read(octets: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(octets);
        Some(Self {
            length: reader.number32()?,
            command: reader.number32()?,
            status: Status(reader.number32()?),
            sequence: reader.number32()?,
        })
    }

    /// Whether the command is one of the standard's.
    #[must_use]
    pub const fn is_known(self) -> bool {
        matches!(
            self.command & !RESPONSE,
            0x01..=0x09 | 0x0b | 0x15 | 0x21 | 0x0102 | 0x0103 | 0x0111 | 0x0112 | 0x0113
        ) || self.command == RESPONSE
    }
}

/// A PDU whose body is not what its head promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Garbled {
    /// What is wrong with it.
    pub status: Status,
    /// Which request it was.
    pub sequence: u32,
}

impl Pdu {
    /// A request.
    #[must_use]
    pub const fn request(sequence: u32, body: Body) -> Self {
        Self { status: Status::ESME_ROK, sequence, body }
    }

    /// A response.
    #[must_use]
    pub const fn response(status: Status, sequence: u32, body: Body) -> Self {
        Self { status, sequence, body }
    }

    /// Reads one PDU, which is all of `octets`.
    ///
    /// # Errors
    /// When the octets are no PDU.
    pub fn read(octets: &[u8]) -> Result<Self, Garbled> {
        let short = Garbled { status: Status::ESME_RINVCMDLEN, sequence: 0 };
        let head = Head::read(octets).ok_or(short)?;
        let garbled = Garbled { status: Status::ESME_RINVCMDLEN, sequence: head.sequence };
        let rest = octets.get(HEAD..).unwrap_or_default();
        let body = Body::read(head.command, rest).ok_or(garbled)?;
        Ok(Self { status: head.status, sequence: head.sequence, body })
    }

    /// Writes it behind what is there.
    pub fn write(&self, to: &mut Vec<u8>) {
        let mut body = Vec::new();
        self.body.write(&mut body);
        // A body is never near the limit of the length: its parts have limits of their own.
        let length = u32::try_from(HEAD + body.len()).unwrap_or(u32::MAX);
        for number in [length, self.body.command(), self.status.0, self.sequence] {
            to.extend(number.to_be_bytes());
        }
        to.extend(body);
    }
}

impl Body {
    fn read(command: u32, octets: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(octets);
        let reader = &mut reader;
        if let Some(role) = Role::ALL.into_iter().find(|role| role.command() == command & !RESPONSE) {
            return if command & RESPONSE == 0 {
                Bind::read(reader).map(|bind| Self::Bind(role, Box::new(bind)))
            } else {
                let system_id = reader.text().unwrap_or_default();
                Some(Self::BindResp(role, BindAnswer { system_id, parameters: reader.parameters() }))
            };
        }
        Some(match command {
            0x8000_0000 => Self::GenericNack,
            0x04 => Self::SubmitSm(Box::new(ShortMessage::read(reader)?)),
            0x8000_0004 => Self::SubmitSmResp { message_id: reader.text().unwrap_or_default() },
            0x05 => Self::DeliverSm(Box::new(ShortMessage::read(reader)?)),
            0x8000_0005 => Self::DeliverSmResp,
            0x06 => Self::Unbind,
            0x8000_0006 => Self::UnbindResp,
            0x0b => Self::Outbind,
            0x15 => Self::EnquireLink,
            0x8000_0015 => Self::EnquireLinkResp,
            0x0102 => Self::AlertNotification,
            0x0103 => Self::DataSm(Box::new(ShortMessage::read_data(reader)?)),
            0x8000_0103 => Self::DataSmResp { message_id: reader.text().unwrap_or_default() },
            _ => Self::Other { command, octets: octets.to_vec() },
        })
    }

    const fn command(&self) -> u32 {
        match self {
            Self::GenericNack => 0x8000_0000,
            Self::Bind(role, _) => role.command(),
            Self::BindResp(role, _) => role.command() | RESPONSE,
            Self::Outbind => 0x0b,
            Self::Unbind => 0x06,
            Self::UnbindResp => 0x8000_0006,
            Self::SubmitSm(_) => 0x04,
            Self::SubmitSmResp { .. } => 0x8000_0004,
            Self::DeliverSm(_) => 0x05,
            Self::DeliverSmResp => 0x8000_0005,
            Self::DataSm(_) => 0x0103,
            Self::DataSmResp { .. } => 0x8000_0103,
            Self::EnquireLink => 0x15,
            Self::EnquireLinkResp => 0x8000_0015,
            Self::AlertNotification => 0x0102,
            Self::Other { command, .. } => *command,
        }
    }

    /// Whether it answers something.
    #[must_use]
    pub const fn is_response(&self) -> bool {
        self.command() & RESPONSE != 0
    }

    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Bind(_, bind) => bind.write(to),
            Self::BindResp(_, answer) => {
                write_text(to, &answer.system_id);
                write_parameters(to, &answer.parameters);
            }
            Self::SubmitSm(message) | Self::DeliverSm(message) => message.write(to),
            Self::DataSm(message) => message.write_data(to),
            Self::SubmitSmResp { message_id } | Self::DataSmResp { message_id } => write_text(to, message_id),
            // Its `message_id` is not used, and stands there empty.
            Self::DeliverSmResp => to.push(0),
            Self::Other { octets, .. } => to.extend(octets),
            Self::GenericNack
            | Self::Outbind
            | Self::Unbind
            | Self::UnbindResp
            | Self::EnquireLink
            | Self::EnquireLinkResp
            | Self::AlertNotification => {}
        }
    }
}

#[cfg(test)]
mod tests;
