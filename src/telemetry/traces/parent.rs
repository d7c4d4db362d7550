//! W3C Trace Context: what says which trace a request is part of (<https://www.w3.org/TR/trace-context/>).

use std::fmt;
use std::iter;

/// Bytes of version 00.
const LENGTH: usize = 55;
/// Bit of the flags: whoever asks keeps the trace.
const SAMPLED: u8 = 1;
/// Bit of the flags: the trace id is random in its last seven bytes (level 2).
const RANDOM: u8 = 2;
/// Longest `tracestate` that is taken along, in bytes; all have to take so many.
const MAX_STATE: usize = 512;

/// A `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traceparent {
    /// Of the whole trace; never 0.
    pub trace_id: u128,
    /// Of the span that asks; never 0.
    pub span_id: u64,
    flags: u8,
}

impl Traceparent {
    /// Of our own making.
    pub fn new(trace_id: u128, span_id: u64, is_sampled: bool) -> Self {
        Self {
            trace_id,
            span_id,
            flags: u8::from(is_sampled),
        }
    }

    /// Reads the header. `None` where it is not as the standard has it: then it is to be treated as if it were not
    /// there. What later versions add is let be.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (head, rest) = text.split_at_checked(LENGTH)?;
        let [version, trace_id, span_id, flags] = fields(head)?;
        let version = hexadecimal(version)?;
        let is_whole = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest[0] == b'-',
        };
        let trace_id = hexadecimal(trace_id)?;
        let span_id = u64::try_from(hexadecimal(span_id)?).ok()?;
        let flags = u8::try_from(hexadecimal(flags)?).ok()?;
        (is_whole && trace_id != 0 && span_id != 0).then_some(Self {
            trace_id,
            span_id,
            flags: flags & (SAMPLED | RANDOM),
        })
    }

    /// Whether whoever asks keeps the trace.
    pub fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Of a span of the same trace, which is kept or not.
    #[must_use]
    pub(super) fn below(self, span_id: u64, is_sampled: bool) -> Self {
        let flags = self.flags & RANDOM | u8::from(is_sampled);
        Self {
            span_id,
            flags,
            ..self
        }
    }

    /// For OTLP.
    pub(super) fn flags(self) -> u8 {
        self.flags
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace_id, span_id, flags) = (self.trace_id, self.span_id, self.flags);
        write!(f, "00-{trace_id:032x}-{span_id:016x}-{flags:02x}")
    }
}

/// The id of a trace, as logs have it. It becomes a text where something is logged, and not before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(pub u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What goes along with a trace: which span asks, and what others say of the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Which span asks.
    pub traceparent: Traceparent,
    /// The `tracestate`, as it came.
    pub state: Option<Box<str>>,
}

impl Carried {
    /// Reads what [`fmt::Display`] wrote. `None` where it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let (traceparent, state) = match text.split_once(' ') {
            Some((traceparent, state)) => (traceparent, tracestate(iter::once(state.as_bytes()))),
            None => (text, None),
        };
        Some(Self {
            traceparent: Traceparent::parse(traceparent.as_bytes())?,
            state,
        })
    }

    /// As headers of whoever is asked.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![("traceparent", self.traceparent.to_string())];
        headers.extend(
            self.state
                .iter()
                .map(|state| ("tracestate", state.to_string())),
        );
        headers
    }
}

/// The `traceparent`, and after a space the `tracestate`, where there is one.
impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.traceparent.fmt(f)?;
        match &self.state {
            Some(state) => write!(f, " {state}"),
            None => Ok(()),
        }
    }
}

/// Between the dashes, which have to be where they belong.
fn fields(head: &[u8]) -> Option<[&[u8]; 4]> {
    let is_dash = |at: usize| head.get(at) == Some(&b'-');
    let fields = [&head[..2], &head[3..35], &head[36..52], &head[53..]];
    (is_dash(2) && is_dash(35) && is_dash(52)).then_some(fields)
}

/// Of lower-case digits alone, at most 32 of them.
fn hexadecimal(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

/// A `tracestate` that is worth to be taken along: what others say of the trace, which is nothing to us. Several headers
/// of that name are one. `None` where there is none, or it is too long or no text.
pub fn tracestate<'h>(headers: impl Iterator<Item = &'h [u8]>) -> Option<Box<str>> {
    let mut state = String::new();
    for header in headers {
        let header = std::str::from_utf8(header)
            .ok()?
            .trim_matches([' ', '\t', ',']);
        if header.is_empty() {
            continue;
        }
        if !state.is_empty() {
            state.push(',');
        }
        state.push_str(header);
    }
    let is_sane = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
    let has_keys = state
        .split(',')
        .all(|member| member.trim().is_empty() || member.contains('='));
    let is_state = !state.is_empty() && state.len() <= MAX_STATE && has_keys;
    (is_state && state.bytes().all(is_sane)).then(|| state.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn parse(text: &str) -> Option<Traceparent> {
        Traceparent::parse(text.as_bytes())
    }

    #[test]
    fn the_example_of_the_standard_is_read() {
        let parent = parse(SAMPLE).unwrap();
        assert_eq!(parent.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!(parent.span_id, 0x00f0_67aa_0ba9_02b7);
        assert!(parent.is_sampled());
        assert_eq!(parent.to_string(), SAMPLE);
        let below = parent.below(0xb, false);
        assert_eq!(
            below.to_string(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-000000000000000b-00"
        );
    }

    #[test]
    fn what_the_standard_refuses_is_refused() {
        let after = |text: &str| format!("{SAMPLE}{text}");
        for text in [
            "",
            "00",
            &SAMPLE[..54],
            &after("-00"),
            &after("-"),
            &after(" "),
            &SAMPLE.replacen("00", "ff", 1),
            &SAMPLE.replacen("00", "0g", 1),
            &SAMPLE.replacen("4b", "4B", 1),
            &SAMPLE.replace('-', "_"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e47360-0f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
            "+0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "ä0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn later_versions_may_say_more() {
        for text in [
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-else",
        ] {
            assert!(parse(text).is_some_and(Traceparent::is_sampled), "{text}");
        }
        // Flags that are not known yet are not passed on.
        let parent = parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe").unwrap();
        assert!(!parent.is_sampled());
        assert!(parent.to_string().ends_with("-02"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(trace_id in 1_u128.., span_id in 1_u64.., is_sampled: bool) {
            let parent = Traceparent::new(trace_id, span_id, is_sampled);
            prop_assert_eq!(parse(&parent.to_string()), Some(parent));
        }

        #[test]
        fn no_bytes_are_too_much_for_it(bytes: Vec<u8>) {
            let _ = Traceparent::parse(&bytes);
        }

        #[test]
        fn a_byte_that_is_another_changes_it_or_is_refused(at in 0_usize..55, byte: u8) {
            let mut bytes = SAMPLE.as_bytes().to_vec();
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            let Some(parent) = Traceparent::parse(&bytes) else { return Ok(()) };
            // It is in the form of the standard, then.
            prop_assert!(bytes.iter().all(|it| b"0123456789abcdef-".contains(it)));
            prop_assert_eq!(bytes.split(|it| *it == b'-').count(), 4);
            // What is known of it comes back.
            let again = parent.to_string();
            prop_assert_eq!(&again.as_bytes()[3..53], &bytes[3..53]);
        }

        #[test]
        fn no_header_comes_out_of_a_state_that_is_none(bytes: Vec<u8>) {
            if let Some(state) = tracestate([bytes.as_slice()].into_iter()) {
                prop_assert!(state.len() <= MAX_STATE);
                prop_assert!(state.bytes().all(|it| it == b'\t' || (b' '..=b'~').contains(&it)));
            }
        }
    }

    #[test]
    fn what_is_carried_is_what_came() {
        for text in [
            SAMPLE.to_owned(),
            format!("{SAMPLE} a=1, b=2"),
            format!("{SAMPLE} a=x y"),
        ] {
            let carried = Carried::parse(&text).unwrap();
            assert_eq!(carried.to_string(), text);
            assert_eq!(carried.headers().len(), 1 + usize::from(text.contains(' ')));
        }
        // A state that is none takes nothing else along.
        let carried = Carried::parse(&format!("{SAMPLE} nonsense")).unwrap();
        assert_eq!(carried.to_string(), SAMPLE);
        for text in ["", "7f3c-11", "r-1 a=1", &SAMPLE[1..]] {
            assert_eq!(Carried::parse(text), None, "{text}");
        }
    }

    #[test]
    fn states_of_several_headers_are_one() {
        let state = |headers: &[&'static str]| tracestate(headers.iter().map(|it| it.as_bytes()));
        assert_eq!(state(&["a=1,b=2", " c=3 "]).as_deref(), Some("a=1,b=2,c=3"));
        for headers in [&[][..], &[""], &["a"], &["a=\u{7f}"], &["ä=1"]] {
            assert_eq!(state(headers), None, "{headers:?}");
        }
        assert!(state(&[Box::leak(format!("a={}", "b".repeat(511)).into_boxed_str())]).is_none());
    }
}
