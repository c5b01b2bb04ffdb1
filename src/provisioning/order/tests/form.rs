use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::world::{ALICE, BUILDER, epoch, now, order};
use crate::domain::identity::Identity;
use crate::provisioning::guard::epoch::EpochValue;
use crate::provisioning::order::{LONGEST, Malformed, Order};

#[test]
fn an_order_is_one_text_in_whatever_order_it_is_given() {
    let text = order([BUILDER, ALICE, BUILDER]);
    assert_eq!(text, order([ALICE, BUILDER]));
    assert_eq!(
        text,
        format!(
            "{{\"version\":1,\"epoch\":\"{}\",\"time\":\"2026-11-24T09:59:55Z\",\"for\":[\
             {{\"kind\":\"User\",\"name\":\"alice\"}},\
             {{\"kind\":\"ServiceAccount\",\"namespace\":\"ci\",\"name\":\"builder\"}}]}}",
            epoch()
        )
    );
    let read = Order::parse(&text).unwrap();
    assert_eq!(read.identities().collect::<Vec<_>>(), [ALICE, BUILDER]);
    assert_eq!(read.epoch(), epoch());
    assert_eq!(read.time().as_second(), now().as_second() - 5);
}

#[test]
fn the_user_form_of_a_service_account_is_the_service_account() {
    let text = order([Identity::user("system:serviceaccount:ci:builder")]);
    assert_eq!(text, order([BUILDER]));
    let other = text.replace(
        "\"kind\":\"ServiceAccount\",\"namespace\":\"ci\",\"name\":\"builder\"",
        "\"kind\":\"User\",\"name\":\"system:serviceaccount:ci:builder\"",
    );
    assert_ne!(other, text);
    assert_eq!(Order::parse(&other), Err(Malformed::Form));
}

#[test]
fn anything_but_the_very_text_is_no_order() {
    let good = order([ALICE, BUILDER]);
    Order::parse(&good).unwrap();
    let epoch = epoch().as_str();
    let changed = |from: &str, to: &str| {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        text
    };
    let table = [
        String::new(),
        "null".to_owned(),
        "true".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "Canary".to_owned(),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}{good}"),
        good[..good.len() - 1].to_owned(),
        format!("[1,\"{epoch}\",\"2026-11-24T09:59:55Z\",[[\"User\",\"\",\"alice\"]]]"),
        changed("\"version\":1", "\"version\":2"),
        changed("\"version\":1", "\"version\":1.0"),
        changed("\"version\":1", "\"version\":1,\"version\":1"),
        changed("\"version\":1", "\"version\":1,\"extra\":1"),
        changed(epoch, "canary"),
        changed(
            epoch,
            &epoch
                .to_uppercase()
                .replace(|c: char| c.is_ascii_digit(), "A"),
        ),
        changed("Z\"", "+00:00\""),
        changed("Z\"", ".0Z\""),
        changed("Z\"", ".5Z\""),
        changed("2026", "-9999999"),
        changed("\"kind\":\"User\"", "\"kind\":\"user\""),
        changed("\"kind\":\"User\"", "\"kind\":\"Role\""),
        changed(
            "\"kind\":\"User\"",
            "\"kind\":\"User\",\"namespace\":\"ci\"",
        ),
        changed("\"kind\":\"User\"", "\"kind\":\"User\",\"namespace\":\"\""),
        changed("\"namespace\":\"ci\",", ""),
        changed("\"name\":\"alice\"", "\"name\":\"\""),
        changed("\"name\":\"alice\"", "\"name\":\"\\u0061lice\""),
        changed("\"name\":\"alice\"", "\"name\":null"),
        changed("\"alice\"", "\"zz\"},{\"kind\":\"User\",\"name\":\"alice\""),
        changed(
            "\"alice\"",
            "\"alice\"},{\"kind\":\"User\",\"name\":\"alice\"",
        ),
        format!("{}]}}", &good[..=good.find('[').unwrap()]),
        "[".repeat(10_000),
        "{\"for\":".repeat(2_000),
    ];
    for text in table {
        assert_eq!(Order::parse(&text), Err(Malformed::Form), "{text}");
    }
    assert_eq!(Order::parse("canary"), Err(Malformed::Canary));
}

#[test]
fn an_order_has_at_most_16_kib() {
    let short = order([Identity::User("x")]).len() - 1;
    let longest = "x".repeat(LONGEST - short);
    let text = order([Identity::User(&longest)]);
    assert_eq!(text.len(), LONGEST);
    Order::parse(&text).unwrap();
    let name = format!("{longest}x");
    let too_long = Order::new(epoch().clone(), now(), [Identity::User(&name)]);
    assert_eq!(too_long.encode(), None);
    let text = text.replace("xx\"", "xxx\"");
    assert_eq!(Order::parse(&text), Err(Malformed::TooLong));
    assert_eq!(
        Order::parse(&"x".repeat(10_000_000)),
        Err(Malformed::TooLong)
    );
}

fn names() -> impl Strategy<Value = (u8, String, String)> {
    let name = || prop_oneof![any::<String>(), "[a-z:]{1,8}", "system:[a-z:]{0,20}"];
    (0..3_u8, name(), name())
}

fn identity((kind, namespace, name): &(u8, String, String)) -> Option<Identity<'_>> {
    if name.is_empty() || namespace.is_empty() {
        return None;
    }
    Some(match kind {
        0 => Identity::user(name),
        1 => Identity::group(name),
        _ => Identity::ServiceAccount { namespace, name },
    })
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_read(
        names in vec(names(), 1..12),
        second in 0..4_000_000_000_i64,
    ) {
        let mut identities: Vec<Identity<'_>> = names.iter().filter_map(identity).collect();
        let time = jiff::Timestamp::from_second(second).unwrap();
        let order = Order::new(EpochValue::fresh().unwrap(), time, identities.clone());
        identities.sort_unstable();
        identities.dedup();
        if let Some(text) = order.encode().filter(|_| !identities.is_empty()) {
            let read = Order::parse(&text).unwrap();
            prop_assert_eq!(&read, &order);
            prop_assert_eq!(read.identities().collect::<Vec<_>>(), identities);
        }
    }

    #[test]
    fn whatever_is_read_is_as_it_would_be_written(text in any::<String>()) {
        if let Ok(order) = Order::parse(&text) {
            prop_assert_eq!(order.encode().unwrap(), text);
        }
    }

    #[test]
    fn an_order_with_one_byte_changed_is_another_or_none(
        position in any::<proptest::sample::Index>(),
        byte in 0x20_u8..0x7f,
    ) {
        let good = order([ALICE, BUILDER]);
        let mut bytes = good.clone().into_bytes();
        let at = position.index(bytes.len());
        bytes[at] = byte;
        let text = String::from_utf8(bytes).unwrap();
        if let Ok(read) = Order::parse(&text) {
            prop_assert_eq!(read.to_string(), text.clone());
            prop_assert!(text == good || read != Order::parse(&good).unwrap());
        }
    }
}
