//! Writes client certificates byte by byte.
//!
//! rcgen makes all our other certificates, but its distinguished names hold each attribute once,
//! and Kubernetes reads a user's groups from as many `O` attributes as there are groups.

use rcgen::{KeyPair, PublicKeyData, SigningKey};

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const UTF8_STRING: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;

const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x0a];
const ECDSA_WITH_SHA256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// A certificate for a user and groups, signed by the authority of this common name and key.
pub fn client_certificate(
    issuer: &str,
    issuer_key: &KeyPair,
    key: &KeyPair,
    user: &str,
    groups: &[String],
) -> Vec<u8> {
    let algorithm = element(SEQUENCE, &[ECDSA_WITH_SHA256]);
    let validity = element(
        SEQUENCE,
        &[
            &element(UTC_TIME, &[b"000101000000Z"]),
            &element(UTC_TIME, &[b"491231235959Z"]),
        ],
    );
    let content = element(
        SEQUENCE,
        &[
            &element(VERSION, &[&element(INTEGER, &[&[2]])]),
            &element(INTEGER, &[&[1]]),
            &algorithm,
            &distinguished_name(issuer, &[]),
            &validity,
            &distinguished_name(user, groups),
            &key.subject_public_key_info(),
        ],
    );
    let signature = issuer_key.sign(&content).expect("a fresh key can sign");
    element(
        SEQUENCE,
        &[
            &content,
            &algorithm,
            &element(BIT_STRING, &[&[0], &signature]),
        ],
    )
}

fn distinguished_name(common_name: &str, organizations: &[String]) -> Vec<u8> {
    let attribute = |kind: &[u8], value: &str| {
        let value = element(UTF8_STRING, &[value.as_bytes()]);
        element(SET, &[&element(SEQUENCE, &[kind, &value])])
    };
    let mut attributes = attribute(COMMON_NAME, common_name);
    for organization in organizations {
        attributes.extend(attribute(ORGANIZATION, organization));
    }
    element(SEQUENCE, &[&attributes])
}

/// A tag, the length of the parts together, and the parts.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut bytes = vec![tag];
    match significant {
        [] => bytes.push(0),
        [short @ 0..0x80] => bytes.push(*short),
        long => {
            bytes.push(0x80 | u8::try_from(long.len()).expect("a length has at most eight bytes"));
            bytes.extend(long);
        }
    }
    bytes.extend(content);
    bytes
}

/// Bytes in the textual form that files of certificates have.
pub fn pem(label: &str, bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let number = (0..3).fold(0, |number, at| {
            number << 8 | usize::from(*group.get(at).unwrap_or(&0))
        });
        for at in 0..4 {
            let digit = if at <= group.len() {
                ALPHABET[number >> (18 - 6 * at) & 63]
            } else {
                b'='
            };
            text.push(char::from(digit));
        }
    }
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| str::from_utf8(line).expect("base64 is ASCII"))
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}
