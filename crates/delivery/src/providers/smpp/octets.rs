//! The small pieces of a PDU (SMPP 3.4, 3.1 and 3.2.4): whole numbers in network order, texts that end with a NUL, and
//! optional parameters. Reading takes what real peers send: a last text without its NUL, and a damaged tail of optional
//! parameters, which is passed over. Texts are Latin-1 here: each octet is one character, so nothing is lost.

/// Reads a PDU's body from its front.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    pub fn octet(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    pub fn number32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// A text up to its NUL, or up to the end of the body where the peer forgot it. None: there is nothing left at all.
    pub fn text(&mut self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.iter().position(|octet| *octet == 0).unwrap_or(self.0.len());
        let text = from_latin1(self.take(end)?);
        self.octet();
        Some(text)
    }

    /// What is left, as optional parameters.
    pub fn parameters(&mut self) -> Vec<Parameter> {
        let mut found = Vec::new();
        while let Some(parameter) = self.parameter() {
            found.push(parameter);
        }
        found
    }

    fn parameter(&mut self) -> Option<Parameter> {
        let (tag, length) = (self.number16()?, self.number16()?);
        let value = self.take(length.into())?.to_vec();
        Some(Parameter { tag, value })
    }
}

/// An optional parameter (a TLV).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Which (SMPP 3.4, 5.3.2); from 0x1400 on vendors' own.
    pub tag: u16,
    /// Its value.
    pub value: Vec<u8>,
}

impl Parameter {
    /// One whose value is a number of two octets.
    #[must_use]
    pub fn number16(tag: u16, value: u16) -> Self {
        Self { tag, value: value.to_be_bytes().to_vec() }
    }

    /// One whose value is a number of one octet.
    #[must_use]
    pub fn number8(tag: u16, value: u8) -> Self {
        Self { tag, value: vec![value] }
    }

    /// One whose value is a text, with its NUL.
    #[must_use]
    pub fn text(tag: u16, value: &str) -> Self {
        let mut octets = to_latin1(value);
        octets.push(0);
        Self { tag, value: octets }
    }

    /// Its value as a text, up to the NUL if there is one.
    #[must_use]
    pub fn as_text(&self) -> String {
        Reader::new(&self.value).text().unwrap_or_default()
    }
}

/// Writes a text with its NUL; a NUL within would end it early, so it ends there.
pub(super) fn write_text(to: &mut Vec<u8>, text: &str) {
    to.extend(to_latin1(text).into_iter().take_while(|octet| *octet != 0));
    to.push(0);
}

/// Writes optional parameters; one that is longer than a parameter can be is left out.
pub(super) fn write_parameters(to: &mut Vec<u8>, parameters: &[Parameter]) {
    for parameter in parameters {
        let Ok(length) = u16::try_from(parameter.value.len()) else { continue };
        to.extend(parameter.tag.to_be_bytes());
        to.extend(length.to_be_bytes());
        to.extend(&parameter.value);
    }
}

pub(super) fn from_latin1(octets: &[u8]) -> String {
    octets.iter().map(|octet| char::from(*octet)).collect()
}

/// What Latin-1 does not have becomes a question mark.
pub(super) fn to_latin1(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(character).unwrap_or(b'?')).collect()
}
