//! The patch: it touches the two annotations of an order and nothing else.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation};
use serde_json::{Map, Value};

use crate::admission::review::Annotations;
use crate::provisioning::{ORDER, ORDERED_BY};

/// The bytes of the two keys.
pub(super) const KEYS: usize = ORDER.len() + ORDERED_BY.len();

/// What the two annotations are to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    order: Option<Change>,
    ordered_by: Option<Change>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    To(String),
    Away,
}

/// What the two annotations are, in an object that has a map of annotations.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Present<'a> {
    pub(super) order: Option<&'a str>,
    pub(super) ordered_by: Option<&'a str>,
}

impl Changes {
    /// Both are to be as they were.
    pub(super) fn restore(&mut self, old: Option<&Annotations<'_>>) {
        let as_it_was = |value: Option<&str>| match value {
            Some(value) => Change::To(value.to_owned()),
            None => Change::Away,
        };
        self.order = Some(as_it_was(old.and_then(|old| old.order.as_deref())));
        self.ordered_by = Some(as_it_was(old.and_then(|old| old.ordered_by.as_deref())));
    }

    /// There is to be an order by somebody.
    pub(super) fn order(&mut self, order: String, by: &str) {
        self.order = Some(Change::To(order));
        self.ordered_by = Some(Change::To(by.to_owned()));
    }

    /// The operations that change an object with these annotations so; nothing is changed that is
    /// so already.
    pub(super) fn patch(&self, present: Option<Present<'_>>) -> Patch {
        let now = present.unwrap_or_default();
        let mut operations: Vec<PatchOperation> = [
            operation(ORDER, self.order.as_ref(), now.order),
            operation(ORDERED_BY, self.ordered_by.as_ref(), now.ordered_by),
        ]
        .into_iter()
        .flatten()
        .collect();
        if present.is_none() && !operations.is_empty() {
            // Nothing can be added to a map that is not there.
            operations.insert(0, add(pointer(None), Value::Object(Map::new())));
        }
        Patch(operations)
    }
}

fn operation(key: &str, change: Option<&Change>, now: Option<&str>) -> Option<PatchOperation> {
    match (change?, now) {
        (Change::To(value), Some(now)) if value == now => None,
        (Change::To(value), _) => Some(add(pointer(Some(key)), Value::String(value.clone()))),
        (Change::Away, None) => None,
        (Change::Away, Some(_)) => Some(PatchOperation::Remove(RemoveOperation {
            path: pointer(Some(key)),
        })),
    }
}

/// Adds, or replaces what is there.
fn add(path: PointerBuf, value: Value) -> PatchOperation {
    PatchOperation::Add(AddOperation { path, value })
}

fn pointer(key: Option<&str>) -> PointerBuf {
    PointerBuf::from_tokens(["metadata", "annotations"].into_iter().chain(key))
}

#[cfg(test)]
mod tests {
    use proptest::option;
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
    use serde_json::{Value, json};

    use super::{Changes, Present};
    use crate::admission::review::Annotations;
    use crate::admission::text::Text;
    use crate::provisioning::{ORDER, ORDERED_BY};

    #[test]
    fn the_map_comes_first_where_there_is_none() {
        let mut changes = Changes::default();
        changes.order("o".to_owned(), "boris");
        let patch = serde_json::to_value(changes.patch(None)).unwrap();
        assert_eq!(
            patch,
            json!([
                {"op": "add", "path": "/metadata/annotations", "value": {}},
                {"op": "add", "path": "/metadata/annotations/bindguard.dev~1order", "value": "o"},
                {"op": "add", "path": "/metadata/annotations/bindguard.dev~1ordered-by", "value": "boris"},
            ])
        );
        assert!(Changes::default().patch(None).0.is_empty());
        let mut away = Changes::default();
        away.restore(None);
        assert!(away.patch(None).0.is_empty());
    }

    fn text() -> impl Strategy<Value = Option<String>> {
        option::of(any::<String>())
    }

    fn object(annotations: Option<(&Option<String>, &Option<String>)>) -> Value {
        let mut object = json!({
            "metadata": {"name": "x", "labels": {"a": "b"}}, "subjects": [1, 2],
        });
        if let Some((order, by)) = annotations {
            object["metadata"]["annotations"] = json!({"other": "annotation"});
            for (key, value) in [(ORDER, order), (ORDERED_BY, by)] {
                if let Some(value) = value {
                    object["metadata"]["annotations"][key] = json!(value);
                }
            }
        }
        object
    }

    proptest! {
        #[test]
        fn the_patched_object_is_as_it_was_to_be_and_nothing_else_changed(
            has_map in any::<bool>(),
            now in (text(), text()),
            old in option::of((text(), text())),
            stamped in option::of((any::<String>(), any::<String>())),
        ) {
            let now = if has_map { now } else { (None, None) };
            let before = object(has_map.then_some((&now.0, &now.1)));
            let mut changes = Changes::default();
            let (mut order, mut by) = now.clone();
            if let Some((old_order, old_by)) = &old {
                let owned = |text: &Option<String>| text.clone().map(Text::from);
                let annotations = Annotations {
                    order: owned(old_order),
                    ordered_by: owned(old_by),
                    ..Annotations::default()
                };
                changes.restore(Some(&annotations));
                (order, by) = (old_order.clone(), old_by.clone());
            }
            if let Some((new_order, new_by)) = &stamped {
                changes.order(new_order.clone(), new_by);
                (order, by) = (Some(new_order.clone()), Some(new_by.clone()));
            }
            let present = Present { order: now.0.as_deref(), ordered_by: now.1.as_deref() };
            let patch = changes.patch(has_map.then_some(present));
            let mut after = before.clone();
            json_patch::patch(&mut after, &patch).unwrap();
            let changed = order.is_some() || by.is_some();
            let mut expected = object((has_map || changed).then_some((&order, &by)));
            if !has_map && changed {
                expected["metadata"]["annotations"].as_object_mut().unwrap().remove("other");
            }
            prop_assert_eq!(&after, &expected);
            prop_assert!(after != before || patch.0.is_empty());
        }
    }
}
