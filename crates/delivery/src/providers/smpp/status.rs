//! The status in a response's head (SMPP 3.4, 5.1.3), and what it means for a message.

use std::fmt;

/// What a peer says of a request; 0 is "done".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u32);

/// What a status means for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The peer has it.
    Taken,
    /// The peer has too much to do: the same message again, a little later.
    Busy,
    /// It was not taken, for a reason that lies with us or with the peer, and passes.
    Retry,
    /// It was not taken, and this peer never will take it.
    Refused,
}

macro_rules! statuses {
    ($($(#[$text:meta])* $name:ident = $value:literal;)*) => {
        impl Status {
            $($(#[$text])* pub const $name: Self = Self($value);)*

            /// Its name in the standard.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    /// Done.
    ESME_ROK = 0x00;
    /// The message is too long, or its length is not what it says.
    ESME_RINVMSGLEN = 0x01;
    /// The length of the PDU cannot be.
    ESME_RINVCMDLEN = 0x02;
    /// There is no such command.
    ESME_RINVCMDID = 0x03;
    /// Not in this state of the session.
    ESME_RINVBNDSTS = 0x04;
    /// Bound already.
    ESME_RALYBND = 0x05;
    /// Something is wrong with the peer.
    ESME_RSYSERR = 0x08;
    /// The sender is not allowed.
    ESME_RINVSRCADR = 0x0a;
    /// There is no such destination.
    ESME_RINVDSTADR = 0x0b;
    /// The bind was refused.
    ESME_RBINDFAIL = 0x0d;
    /// The password is not right.
    ESME_RINVPASWD = 0x0e;
    /// There is no such account.
    ESME_RINVSYSID = 0x0f;
    /// The peer's queue for us is full.
    ESME_RMSGQFUL = 0x14;
    /// The service type is not right.
    ESME_RINVSERTYP = 0x15;
    /// A field of `esm_class` is not allowed.
    ESME_RINVESMCLASS = 0x43;
    /// Handing the message on failed.
    ESME_RSUBMITFAIL = 0x45;
    /// The kind of number of the sender is not right.
    ESME_RINVSRCTON = 0x48;
    /// The numbering plan of the sender is not right.
    ESME_RINVSRCNPI = 0x49;
    /// The kind of number of the destination is not right.
    ESME_RINVDSTTON = 0x50;
    /// The numbering plan of the destination is not right.
    ESME_RINVDSTNPI = 0x51;
    /// More messages a second than were agreed.
    ESME_RTHROTTLED = 0x58;
    /// The validity period is not right.
    ESME_RINVEXPIRY = 0x62;
    /// The receiver cannot take it now.
    ESME_RX_T_APPN = 0x64;
    /// The receiver cannot take it, for good.
    ESME_RX_P_APPN = 0x65;
    /// The receiver refuses it.
    ESME_RX_R_APPN = 0x66;
    /// The optional parameters are damaged.
    ESME_RINVOPTPARSTREAM = 0xc0;
    /// A parameter's value cannot be.
    ESME_RINVOPTPARAMVAL = 0xc4;
    /// Nobody knows.
    ESME_RUNKNOWNERR = 0xff;
}

impl Status {
    /// What it means for a message. What the standard does not name is taken for something that may pass: the next provider gets
    /// its chance at once, and this one again later.
    #[must_use]
    pub const fn meaning(self) -> Meaning {
        match self {
            Self::ESME_ROK => Meaning::Taken,
            Self::ESME_RTHROTTLED | Self::ESME_RMSGQFUL => Meaning::Busy,
            Self::ESME_RINVMSGLEN
            | Self::ESME_RINVSRCADR
            | Self::ESME_RINVDSTADR
            | Self::ESME_RINVSERTYP
            | Self::ESME_RINVESMCLASS
            | Self::ESME_RINVSRCTON
            | Self::ESME_RINVSRCNPI
            | Self::ESME_RINVDSTTON
            | Self::ESME_RINVDSTNPI
            | Self::ESME_RINVEXPIRY
            | Self::ESME_RX_P_APPN
            | Self::ESME_RX_R_APPN
            | Self::ESME_RINVOPTPARAMVAL => Meaning::Refused,
            _ => Meaning::Retry,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} (0x{:02x})", self.0),
            None => write!(f, "status 0x{:08x}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_words_say_whether_another_try_helps() {
        for (status, meaning) in [
            (Status(0), Meaning::Taken),
            (Status(0x58), Meaning::Busy),
            (Status(0x14), Meaning::Busy),
            (Status(0x08), Meaning::Retry),
            (Status(0x0b), Meaning::Refused),
            (Status(0x0400), Meaning::Retry),
        ] {
            assert_eq!(status.meaning(), meaning, "{status}");
        }
        assert_eq!(Status(0x58).to_string(), "ESME_RTHROTTLED (0x58)");
        assert_eq!(Status(0x0400).to_string(), "status 0x00000400");
    }
}
