//! Where denials are read from.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use jiff::Timestamp;
use k8s_openapi::api::events::v1::Event;
use kube::Client;

use super::Arguments;
use crate::audit::denial::Denial;
use crate::audit::events::{DENIAL_ANNOTATION, REPORTING_CONTROLLER};
use crate::audit::history::{Seen, Stored, Tally};
use crate::audit::read::{LogLine, log_line};
use crate::cli::cluster::told;
use crate::cli::output;
use crate::domain::text::Escaped;
use crate::kubernetes::{config_map, event, namespace};

/// No line of a log that is looked at is longer, in bytes: ours are much shorter.
const LONGEST_LINE: u64 = 1 << 20;

/// The cluster.
pub(super) struct Source {
    client: Client,
    history: String,
    bindguard_namespace: String,
    namespace: Option<String>,
    /// What was said of the source last.
    said: RefCell<String>,
}

impl Source {
    pub(super) async fn connect(arguments: &Arguments) -> anyhow::Result<Self> {
        Ok(Self {
            client: arguments.cluster.connect().await?,
            history: arguments.history.history.clone(),
            bindguard_namespace: arguments.installation.bindguard_namespace.clone(),
            namespace: arguments.namespace.clone(),
            said: RefCell::default(),
        })
    }

    /// The history, or what Events say in its place.
    pub(super) async fn read(&self) -> anyhow::Result<Tally> {
        let place = format!("ConfigMap {}/{}", self.bindguard_namespace, self.history);
        let read = config_map::get(&self.client, &self.bindguard_namespace, &self.history).await;
        let why = match read {
            Ok(Some(map)) => {
                let stored = Stored::read(map.data.iter().flatten());
                if stored.garbage > 0 {
                    let garbage = stored.garbage;
                    self.say(&format!(
                        "skipped what is no denial in {place}, {garbage} times"
                    ));
                }
                return Ok(stored.denials);
            }
            Ok(None) => format!("there is no {place}"),
            Err(kube::Error::Api(status)) if status.code == 403 => status.message,
            Err(error) => {
                return Err(told(error)).with_context(|| format!("cannot read {place}"));
            }
        };
        let (events, of) = self
            .events()
            .await
            .with_context(|| format!("cannot read the history ({}), nor Events", Escaped(&why)))?;
        let (denials, garbage) = from_events(&events);
        let skipped = match garbage {
            0 => String::new(),
            _ => format!("; skipped {garbage} of them that are about no denial"),
        };
        self.say(&format!(
            "the history cannot be read ({why}); these are the Events of {of}, which are kept for \
             an hour and may be fewer{skipped}"
        ));
        Ok(denials)
    }

    /// Events of bindguard, and of which namespaces.
    async fn events(&self) -> anyhow::Result<(Vec<Event>, String)> {
        if let Some(namespace) = &self.namespace {
            let events = self.events_of(Some(namespace)).await.map_err(told)?;
            return Ok((events, format!("namespace {namespace}")));
        }
        match self.events_of(None).await {
            Ok(events) => return Ok((events, "all namespaces".to_owned())),
            Err(kube::Error::Api(status)) if status.code == 403 => {}
            Err(error) => return Err(told(error)),
        }
        let own = self.client.default_namespace().to_owned();
        let namespaces = match namespace::names(&self.client).await {
            Ok(names) => names,
            // The one of the context is all that is known.
            Err(kube::Error::Api(status)) if status.code == 403 => vec![own],
            Err(error) => return Err(told(error)),
        };
        let mut events = Vec::new();
        let mut read = Vec::new();
        let mut refused = None;
        for namespace in namespaces {
            match self.events_of(Some(&namespace)).await {
                Ok(found) => {
                    events.extend(found);
                    read.push(namespace);
                }
                Err(kube::Error::Api(status)) if status.code == 403 => {
                    refused = Some(status.message);
                }
                Err(error) => return Err(told(error)),
            }
        }
        if read.is_empty() {
            let refused = refused.unwrap_or_else(|| "there is no namespace".to_owned());
            return Err(anyhow!("{refused}; name a namespace with --namespace"));
        }
        Ok((events, format!("namespaces {}", read.join(", "))))
    }

    async fn events_of(&self, namespace: Option<&str>) -> kube::Result<Vec<Event>> {
        event::list(&self.client, namespace, REPORTING_CONTROLLER).await
    }

    /// Says something on standard error, once.
    fn say(&self, what: &str) {
        let what = Escaped(what).to_string();
        if *self.said.borrow() != what {
            output::tell(&format!("{what}\n"));
            *self.said.borrow_mut() = what;
        }
    }
}

/// What Events say, and how many of them say nothing of a denial.
fn from_events(events: &[Event]) -> (Tally, usize) {
    let mut denials = Tally::default();
    let mut garbage = 0;
    for event in events {
        match from_event(event) {
            Some((denial, seen)) => denials.add(denial, seen),
            None => garbage += 1,
        }
    }
    (denials, garbage)
}

fn from_event(event: &Event) -> Option<(Denial, Seen)> {
    let annotations = event.metadata.annotations.as_ref()?;
    let denial: Denial = serde_json::from_str(annotations.get(DENIAL_ANNOTATION)?).ok()?;
    let first = event.event_time.as_ref()?.0.as_microsecond();
    let first = Timestamp::from_microsecond(first).ok()?;
    let seen = match &event.series {
        Some(series) => {
            let last = series.last_observed_time.0.as_microsecond();
            Seen {
                count: u64::try_from(series.count).ok()?,
                first_seen: first,
                last_seen: Timestamp::from_microsecond(last).ok()?,
            }
        }
        None => Seen::once(first),
    };
    Some((denial.bounded(), seen))
}

/// What the audit lines of these files say.
pub(super) fn from_files(files: &[PathBuf]) -> anyhow::Result<Tally> {
    let mut denials = Tally::default();
    let mut garbage = 0_u64;
    for file in files {
        let shown = file.display().to_string();
        let read = if file == Path::new("-") {
            from_lines(io::stdin().lock(), &mut denials)
        } else {
            File::open(file).and_then(|file| from_lines(BufReader::new(file), &mut denials))
        };
        garbage += read.with_context(|| format!("cannot read {shown:?}"))?;
    }
    if garbage > 0 {
        let lines = if garbage == 1 {
            "line that is no audit line"
        } else {
            "lines that are no audit lines"
        };
        output::tell(&format!("skipped {garbage} {lines}\n"));
    }
    Ok(denials)
}

/// Counts the denials among these lines, and returns how many lines are no audit lines.
fn from_lines(mut reader: impl BufRead, denials: &mut Tally) -> io::Result<u64> {
    let mut garbage = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = Read::take(&mut reader, LONGEST_LINE).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(garbage);
        }
        if line.last() != Some(&b'\n') && line.len() as u64 == LONGEST_LINE {
            // What is left of it goes the same way.
            reader.skip_until(b'\n')?;
            garbage += 1;
            continue;
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        match log_line(text) {
            LogLine::Denied(denial, time) => denials.add(*denial, Seen::once(time)),
            LogLine::Other => {}
            LogLine::Garbage => garbage += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::api::events::v1::Event;
    use serde_json::json;

    use super::{LONGEST_LINE, Tally, from_events, from_lines};

    const LINE: &str = r#"{"time":"2026-11-24T06:44:56.102Z","decision":"deny","rule":"persona","because":"action","uid":"1","operation":"CREATE","dry_run":false,"requester":{"username":"bob"},"caller":"unverified","binding":{"kind":"RoleBinding","namespace":"red","name":"x"},"persona":"view","policy":"vmo","missing":[],"missing_total":0}"#;

    #[test]
    fn lines_are_counted_and_garbage_among_them_is_skipped() {
        let long = format!(
            "{{{}",
            "x".repeat(usize::try_from(LONGEST_LINE).unwrap() + 10)
        );
        let text = format!("{LINE}\ngarbage\n\n{long}\n{LINE}\r\n{long}\n{LINE}");
        let mut denials = Tally::default();
        assert_eq!(from_lines(text.as_bytes(), &mut denials).unwrap(), 3);
        assert_eq!((denials.len(), denials.calls()), (1, 3));
    }

    #[test]
    fn events_of_all_replicas_about_a_denial_are_counted_together() {
        let denial = r#"{"requester":"bob","binding":{"kind":"RoleBinding","namespace":"red","name":"x"},"persona":"view","missing":[]}"#;
        let event = |annotation: &str, series: serde_json::Value| -> Event {
            let event = json!({
                "metadata": {"annotations": {"bindguard.dev/denial": annotation}},
                "eventTime": "2026-11-24T10:00:00.000001Z", "series": series,
            });
            serde_json::from_value(event).unwrap()
        };
        let last = "2026-11-24T10:05:00.000000Z";
        let events = [
            event(denial, json!(null)),
            event(denial, json!({"count": 4, "lastObservedTime": last})),
            event("no JSON", json!(null)),
            event(denial, json!({"count": -4, "lastObservedTime": last})),
            Event::default(),
        ];
        let (denials, garbage) = from_events(&events);
        assert_eq!(garbage, 3);
        let entries: Vec<_> = denials.iter().collect();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].1.count, 5);
        let expected: Timestamp = "2026-11-24T10:05:00Z".parse().unwrap();
        assert_eq!(entries[0].1.last_seen, expected);
    }
}
