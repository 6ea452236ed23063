//! Bytes in hexadecimal, and their SHA-256.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// Bytes in hexadecimal, two lower-case digits each.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    let mut text = String::new();
    for byte in bytes.as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// SHA-256 in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_sha256sum_prints_it() {
        assert_eq!(hex([0, 15, 255]), "000fff");
        // `printf abc | sha256sum`
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest(b"abc"), abc);
    }
}
