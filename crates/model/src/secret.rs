//! Values that only a key holder can read. The keys and the cryptography live in `countersign-engine`'s `keys.rs`; here
//! are the shapes in which their results travel and rest.

use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;

/// Encrypted bytes (AES-256-GCM-SIV, RFC 8452): the version of the key, then nonce, ciphertext and tag.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which key opens it.
    pub key_version: u16,
    /// Nonce, ciphertext and tag, in that order.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed(key {})", self.key_version)
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{}:{}", self.key_version, BASE64.encode(&self.bytes)))
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let (version, bytes) = text.split_once(':').ok_or_else(|| D::Error::custom("sealed value without version"))?;
        Ok(Self {
            key_version: version.parse().map_err(D::Error::custom)?,
            bytes: BASE64.decode(bytes.as_bytes()).map_err(D::Error::custom)?,
        })
    }
}

/// A keyed hash (HMAC-SHA-256) of a normalised address: equal addresses have equal indexes, and without the key nothing
/// can be learned from one. It is all that limits, metrics and logs see of an address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlindIndex(pub [u8; 32]);

impl fmt::Display for BlindIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for BlindIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for BlindIndex {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BlindIndex {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = HEXLOWER.decode(String::deserialize(from)?.as_bytes()).map_err(D::Error::custom)?;
        Ok(Self(bytes.try_into().map_err(|_| D::Error::custom("a blind index has 32 bytes"))?))
    }
}
