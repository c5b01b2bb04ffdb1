//! A review that asks about other users each time.

use super::holdings::user;

/// The bytes that a kube-apiserver 1.37 sent for `kubectl create rolebinding`.
const AS_SENT: &str = include_str!("../../tests/fixtures/reviews/raw-create.bytes");
/// The subjects in it.
const SUBJECTS: &str = r#"[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"bob"}]"#;

/// A review as the API server sends it, of a binding of so many users.
pub(crate) struct ReviewOf {
    body: Vec<u8>,
    /// Where each user's number begins.
    numbers: Vec<usize>,
}

impl ReviewOf {
    /// A review of a binding of the users from 0 on.
    pub(crate) fn subjects(count: u32) -> Self {
        let subject = |number| {
            let name = user(number);
            format!(r#"{{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"{name}"}}"#)
        };
        let subjects: Vec<String> = (0..count).map(subject).collect();
        assert!(AS_SENT.contains(SUBJECTS), "the fixture is another one");
        let body = AS_SENT.replace(SUBJECTS, &format!("[{}]", subjects.join(",")));
        let numbers = body
            .match_indices(r#""name":"user-"#)
            .map(|(place, found)| place + found.len())
            .collect();
        Self {
            body: body.into_bytes(),
            numbers,
        }
    }

    /// Puts other users in place of all.
    ///
    /// The body stays where it is, as one that has just been received is in the processor's cache;
    /// only what the holdings say of its users is far away.
    pub(crate) fn ask_about(&mut self, mut draw: impl FnMut() -> u32) {
        for place in &self.numbers {
            let mut rest = draw();
            let digits = self.body.get_mut(*place..*place + 8);
            for digit in digits
                .expect("a user's number has eight digits")
                .iter_mut()
                .rev()
            {
                *digit = b'0' + u8::try_from(rest % 10).expect("a digit is small");
                rest /= 10;
            }
        }
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }
}
