//! Numbers as text, on the stack: a hit writes two of them.

/// Sixteen hexadecimal digits.
pub(super) fn hexadecimal(number: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 16];
    for (index, digit) in text.iter_mut().enumerate() {
        let nibble = number >> (60 - 4 * index) & 0xf;
        *digit = DIGITS[usize::try_from(nibble).unwrap_or(0)];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_what_the_standard_library_writes(number: u64) {
            let text = hexadecimal(number);
            prop_assert_eq!(std::str::from_utf8(&text).unwrap(), format!("{number:016x}"));
        }
    }
}
