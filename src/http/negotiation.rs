//! Which content codings a client takes: `Accept-Encoding` (RFC 9110 §12.5.3).
//!
//! At equal quality ours is the choice: brotli, zstd, gzip, and identity last. Elements that are not
//! well-formed, and codings we do not make, say nothing. Of two elements for one coding the kinder counts,
//! so that the order of elements never matters.

use actix_web::http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};

use crate::products::coding::Coding;

/// What a body may be sent as: compressed, or as it is.
pub(super) type Representation = Option<Coding>;

/// In our order of preference.
const REPRESENTATIONS: [Representation; 4] = [
    Some(Coding::ALL[0]),
    Some(Coding::ALL[1]),
    Some(Coding::ALL[2]),
    None,
];

/// Thousandths, as a quality value has three decimals.
pub(super) type Quality = u16;

/// The qualities a client gives to our representations, in the order of [`REPRESENTATIONS`]; 0 refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Accepted([Quality; REPRESENTATIONS.len()]);

impl Accepted {
    /// For a client that says nothing. RFC 9110 would let us send it any
    /// coding if the header is absent, but such a client can seldom decode one.
    const IDENTITY: Self = Self([0, 0, 0, 1]);

    pub(super) fn by(headers: &HeaderMap) -> Self {
        if headers.contains_key(ACCEPT_ENCODING) {
            let values = headers.get_all(ACCEPT_ENCODING);
            Self::parse(values.map(HeaderValue::as_bytes))
        } else {
            Self::IDENTITY
        }
    }

    fn parse<'h>(values: impl Iterator<Item = &'h [u8]>) -> Self {
        let mut named = [None; REPRESENTATIONS.len()];
        let mut any_other = None;
        let elements = values.flat_map(|value| value.split(|byte| *byte == b','));
        for (name, quality) in elements.filter_map(element) {
            let slot = match index(name) {
                Some(index) => &mut named[index],
                None if name == b"*" => &mut any_other,
                None => continue,
            };
            *slot = Some(slot.map_or(quality, |known: Quality| known.max(quality)));
        }
        // Identity is accepted unless it is refused by name or by `*;q=0`; what nobody asked for comes last.
        let unnamed = [0, 0, 0, 1];
        let mut qualities = [0; REPRESENTATIONS.len()];
        for (index, quality) in qualities.iter_mut().enumerate() {
            *quality = named[index].or(any_other).unwrap_or(unnamed[index]);
        }
        Self(qualities)
    }

    /// What the client accepts, best first.
    pub(super) fn ranked(self) -> impl Iterator<Item = Representation> {
        let Self(mut left) = self;
        std::iter::from_fn(move || {
            let best = left.iter().copied().max().filter(|quality| *quality > 0)?;
            let index = left.iter().position(|quality| *quality == best)?;
            left[index] = 0;
            Some(REPRESENTATIONS[index])
        })
    }
}

/// Where a coding stands among [`REPRESENTATIONS`]. Names are compared without regard to case.
fn index(name: &[u8]) -> Option<usize> {
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    let representation = if is("br") {
        Some(Coding::Brotli)
    } else if is("zstd") {
        Some(Coding::Zstd)
    } else if is("gzip") || is("x-gzip") {
        Some(Coding::Gzip)
    } else if is("identity") {
        None
    } else {
        return None;
    };
    REPRESENTATIONS
        .iter()
        .position(|known| *known == representation)
}

/// `coding [ OWS ";" OWS "q=" qvalue ]`; `None` for anything else.
fn element(text: &[u8]) -> Option<(&[u8], Quality)> {
    let mut parts = text.splitn(2, |byte| *byte == b';');
    let name = trim(parts.next()?);
    let quality = match parts.next() {
        None => 1000,
        Some(weight) => match trim(weight) {
            [b'q' | b'Q', b'=', value @ ..] => quality(value)?,
            _ => return None,
        },
    };
    Some((name, quality))
}

/// `"0" [ "." 0*3DIGIT ] / "1" [ "." 0*3("0") ]`, in thousandths.
pub(super) fn quality(text: &[u8]) -> Option<Quality> {
    let (whole, decimals) = match text {
        [whole @ b'0'..=b'1'] => (whole, &[][..]),
        [whole @ b'0'..=b'1', b'.', decimals @ ..] if decimals.len() <= 3 => (whole, decimals),
        _ => return None,
    };
    let mut thousandths = Quality::from(whole - b'0');
    for place in 0..3 {
        let digit = decimals.get(place).copied().unwrap_or(b'0');
        if !digit.is_ascii_digit() {
            return None;
        }
        thousandths = thousandths * 10 + Quality::from(digit - b'0');
    }
    (thousandths <= 1000).then_some(thousandths)
}

/// Without the optional white space of RFC 9110 §5.6.3 around it.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests;
