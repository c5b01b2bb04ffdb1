//! Policy files.

use bindguard::domain::companion_set::MAX_COMPANIONS;
use bindguard::policy_file::{parse, to_yaml};

/// A policy that is read is read again, the same, from what is printed of it; another is refused
/// in printable words.
pub fn policy(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    match parse(text) {
        Ok(policy) => {
            assert!(policy.companions.len() <= MAX_COMPANIONS);
            let printed = to_yaml(&policy);
            let again = parse(&printed)
                .unwrap_or_else(|errors| panic!("what is printed is refused: {errors}\n{printed}"));
            assert_eq!(again, policy, "{printed}");
        }
        Err(errors) => {
            assert!(errors.iter().next().is_some(), "refused without a reason");
            let text = errors.to_string();
            let raw = |character: char| character.is_control() && character != '\n';
            assert!(!text.contains(raw), "{text:?}");
        }
    }
}
