//! What was carried out, in a ConfigMap, so that whoever leads next knows.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;

use super::carried_out::{CONFIG_MAP, CarriedOut, MOST, OrderKey};
use crate::kubernetes::config_map::{change, read};
use crate::kubernetes::in_time::in_time;

/// How long one write may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Keeps what was carried out. Several can write at once, and go along with each other.
pub(super) struct Store {
    client: Client,
    namespace: String,
    now: fn() -> Timestamp,
    known: Mutex<Known>,
    writing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    written: CarriedOut,
    waiting: CarriedOut,
}

impl Store {
    /// Reads what was carried out before.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub(super) async fn open(
        client: Client,
        namespace: &str,
        now: fn() -> Timestamp,
    ) -> Result<Self, String> {
        let written = in_time(PATIENCE, read(&client, namespace, CONFIG_MAP)).await?;
        let written = written.as_ref().map(CarriedOut::of_data);
        Ok(Self {
            client,
            namespace: namespace.to_owned(),
            now,
            known: Mutex::new(Known {
                written: written.unwrap_or_default(),
                waiting: CarriedOut::default(),
            }),
            writing: tokio::sync::Mutex::default(),
        })
    }

    /// Whether this order was carried out.
    pub(super) fn contains(&self, key: OrderKey) -> bool {
        self.known(|known| known.written.contains(key) || known.waiting.contains(key))
    }

    /// Whether another can be kept.
    pub(super) fn has_room(&self) -> bool {
        let now = self.second();
        self.known(|known| {
            if known.written.len() + known.waiting.len() < MOST {
                return true;
            }
            known.written.expire(now);
            known.written.len() + known.waiting.len() < MOST
        })
    }

    /// Keeps that an order was carried out, until this second. It is written when this returns.
    ///
    /// # Errors
    ///
    /// If it cannot be written. It is tried again along with the next.
    pub(super) async fn add(&self, key: OrderKey, until: i64) -> Result<(), String> {
        self.known(|known| known.waiting.insert(key, until));
        let _one_at_a_time = self.writing.lock().await;
        let batch = self.known(|known| known.waiting.clone());
        if !batch.contains(key) {
            // Somebody else's write took it along.
            return Ok(());
        }
        let now = self.second();
        let written = in_time(
            PATIENCE,
            change(&self.client, &self.namespace, CONFIG_MAP, |there| {
                let mut all = CarriedOut::of_data(there);
                all.extend(&batch);
                all.to_data(now)
            }),
        );
        let written = CarriedOut::of_data(&written.await?);
        self.known(|known| {
            known.waiting.remove(&batch);
            known.written = written;
        });
        Ok(())
    }

    fn second(&self) -> i64 {
        (self.now)().as_second()
    }

    fn known<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        work(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
