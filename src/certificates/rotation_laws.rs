//! Whatever happens in whatever order: nobody serves what a configuration does not trust.
//!
//! A cluster of two configurations and three replicas, which take up what is stored at any time
//! later. Secrets are deleted and broken, the controller is killed between any two steps. Each
//! configuration, as it is at any moment, must trust what each replica serves.

use proptest::prelude::*;

use super::*;
use crate::certificates::secret::FoundServing;

#[derive(Clone, Copy, Debug)]
enum Event {
    /// The controller does one step.
    Step,
    /// The controller is replaced by one that remembers nothing.
    Restart,
    /// A configuration gets what it should trust.
    Publish(usize),
    /// A replica takes up what the Secret holds, if it can be served.
    TakeUp(usize),
    /// A time for which what is stored must be published before it counts.
    Settle,
    /// Half a day passes, in which the controller, configurations and replicas keep up.
    HalfDay,
    AskCa,
    AskCertificate,
    DeleteCa,
    DeleteCertificate,
    Break(&'static str),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => Just(Event::Step),
        1 => Just(Event::Restart),
        4 => (0..2_usize).prop_map(Event::Publish),
        4 => (0..3_usize).prop_map(Event::TakeUp),
        3 => Just(Event::Settle),
        1 => Just(Event::HalfDay),
        1 => Just(Event::AskCa),
        1 => Just(Event::AskCertificate),
        1 => Just(Event::DeleteCa),
        1 => Just(Event::DeleteCertificate),
        1 => prop_oneof![Just("ca.crt"), Just("ca.key"), Just("next.key"), Just("previous.crt"),
                Just("tls.crt"), Just("tls.key")].prop_map(Event::Break),
    ]
}

struct Cluster {
    store: Store,
    bundles: [Vec<CaCertificate>; 2],
    served: [Option<Vec<u8>>; 3],
    is_settled: bool,
}

impl Cluster {
    fn new() -> Self {
        let mut cluster = Self {
            store: Store::new(),
            bundles: Default::default(),
            served: Default::default(),
            is_settled: false,
        };
        cluster.step();
        cluster.step();
        cluster.keep_up();
        cluster
    }

    fn trusted(&self) -> Vec<CaCertificate> {
        let authorities = self.store.authorities();
        authorities.trusted().into_iter().cloned().collect()
    }

    fn is_published(&self) -> bool {
        let trusted = self.trusted();
        let is_broken = !read_authorities(self.store.ca.as_ref()).faults.is_empty();
        !is_broken && self.bundles.iter().all(|bundle| *bundle == trusted)
    }

    fn step(&mut self) -> Step {
        let found = read_authorities(self.store.ca.as_ref());
        let stored = read_serving(self.store.serving.as_ref());
        let published = (self.is_published() && self.is_settled).then_some(PUBLISH_FOR);
        let signing = found.authorities.signing.as_ref();
        let all_serve = signing.is_some_and(|signing| {
            let has_signed = |own: &Vec<u8>| signing.certificate().has_signed(own);
            let stored = own(&stored).is_some_and(|own| has_signed(&own));
            stored
                && self
                    .served
                    .iter()
                    .all(|own| own.as_ref().is_some_and(has_signed))
        });
        let witnesses = self.witnesses(&stored);
        let step = self.store.step(published, all_serve, &witnesses);
        if !self.is_published() {
            self.is_settled = false;
        }
        step
    }

    fn witnesses(&self, stored: &FoundServing) -> Vec<CaCertificate> {
        let mut served: Vec<Vec<u8>> = self.served.iter().flatten().cloned().collect();
        served.extend(own(stored));
        let known = stored
            .authorities
            .iter()
            .chain(self.bundles.iter().flatten());
        let signers = known.filter(|ca| served.iter().any(|own| ca.has_signed(own)));
        signers.cloned().collect()
    }

    fn publish(&mut self, number: usize) {
        let trusted = self.trusted();
        let is_broken = !read_authorities(self.store.ca.as_ref()).faults.is_empty();
        if !trusted.is_empty() && !is_broken {
            self.bundles[number] = trusted;
        }
    }

    fn take_up(&mut self, number: usize) {
        if let Some(own) = own(&read_serving(self.store.serving.as_ref())) {
            self.served[number] = Some(own);
        }
    }

    fn keep_up(&mut self) {
        for _ in 0..10 {
            self.publish(0);
            self.publish(1);
            for replica in 0..3 {
                self.take_up(replica);
            }
            self.is_settled = self.is_published();
            let step = self.step();
            if step == Step::Wait && self.is_published() {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Step => drop(self.step()),
            Event::Restart => self.is_settled = false,
            Event::Publish(number) => self.publish(number),
            Event::TakeUp(number) => self.take_up(number),
            Event::Settle => self.is_settled = self.is_published(),
            Event::HalfDay => {
                self.store.now += DAY / 2;
                self.keep_up();
            }
            Event::AskCa if self.store.ca.is_some() => Store::ask(&mut self.store.ca),
            Event::AskCertificate if self.store.serving.is_some() => {
                Store::ask(&mut self.store.serving);
            }
            Event::AskCa | Event::AskCertificate => {}
            Event::DeleteCa => self.store.ca = None,
            Event::DeleteCertificate => self.store.serving = None,
            Event::Break(key) => {
                for secret in [&mut self.store.ca, &mut self.store.serving] {
                    let data = secret.as_mut().and_then(|secret| secret.data.as_mut());
                    if let Some(value) = data.and_then(|data| data.get_mut(key)) {
                        value.0 = b"broken".to_vec();
                    }
                }
            }
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        for (number, own) in self.served.iter().enumerate() {
            let own = own.as_ref().unwrap();
            for bundle in &self.bundles {
                let trusts = bundle
                    .iter()
                    .any(|ca| ca.validity().holds_at(self.store.now) && ca.has_signed(own));
                prop_assert!(
                    trusts,
                    "replica {number} serves what a configuration does not trust"
                );
            }
        }
        Ok(())
    }
}

fn own(stored: &FoundServing) -> Option<Vec<u8>> {
    let serving = stored.serving.as_ref()?;
    Some(serving.chain.first()?.to_vec())
}

/// Keys take their time: a tenth of the usual number of cases, and at most some minutes of them.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: (usual.cases / 10).min(5_000),
        max_shrink_iters: 300,
        ..usual
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_configuration_trusts_every_replica_at_every_moment(
        events in proptest::collection::vec(event(), 0..60)
    ) {
        let mut cluster = Cluster::new();
        for event in events {
            cluster.happens(event);
            cluster.check()?;
        }
        cluster.keep_up();
        cluster.check()?;
        prop_assert_eq!(cluster.trusted().len(), 1, "nothing old is trusted in the end");
    }
}
