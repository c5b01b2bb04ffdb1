//! Every kind of requester with every kind of order, whichever webhooks are out of the way and
//! whatever the policy says of the binding, with a controller at work: what comes of it is what a
//! model says that is written another way, and in the end there is no companion but those.

mod case;
mod ground;
mod model;
mod play;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bindguard::provisioning::guard::epoch::EpochValue;
use futures::stream::{StreamExt as _, iter};
use serde_json::Value;
use tokio::runtime::Runtime;

use self::case::{AWAY, Away, REQUESTERS, choose};
use self::ground::{COMPANIONS, POLICY, lay};
use self::model::{WHO_ORDERED, could_by_hand, expect};
use self::play::{KEPT_FOR, Players, Trial};
use crate::random::setting;
use crate::stage::{PROVISION, Stage};
use crate::support::{ADMIN, ControlPlane, Controller, eventually};
use crate::watchman::published;
use crate::world::{ORDER, ORDERS, both, guards, policy_file, role_binding, user};

/// How many cases are tried, where nobody says; every two values meet in fewer.
const CASES: u64 = 720;
const AT_A_TIME: usize = 8;
const WEBHOOKS: [&str; 2] = [
    "validatingwebhookconfiguration",
    "mutatingwebhookconfiguration",
];
const LIMIT: Duration = Duration::from_mins(2);

/// For each subject, which companions it has by whose order.
type Made = BTreeMap<String, BTreeSet<(String, String)>>;

/// Takes webhooks out of the way, puts the others in it, and waits until it is so.
fn bypass(stage: &Stage, away: Away) {
    let bypassed = match away {
        Away::Neither => &[][..],
        Away::Validating => &WEBHOOKS[..1],
        Away::Mutating => &WEBHOOKS[1..],
        Away::Both => &WEBHOOKS[..],
    };
    let manifests = stage.bindguard.manifests();
    stage.plane.apply(ADMIN, &manifests).expect_success();
    for kind in bypassed {
        let args = ["delete", kind, "bindguard", "--ignore-not-found"];
        stage.plane.kubectl(ADMIN, &args).expect_success();
    }
    let asks = |kind: &str| !bypassed.contains(&kind);
    let mut plain = role_binding("default", "probe");
    plain["subjects"][0]["name"] = "somebody-without-companions".into();
    let asking = crate::stage::asking(plain.clone());
    let quiet = eventually(Duration::from_secs(20), || {
        let dry_run = ["--dry-run=server", "--output=json"];
        let validates = !stage.create_with(both(), &dry_run, &plain).succeeded();
        let asked = stage.create_with(both(), &dry_run, &asking);
        let mutates = asked.stdout.contains(ORDER) || asked.stderr.contains("as ordered");
        (validates == asks(WEBHOOKS[0]) && mutates == asks(WEBHOOKS[1])).then_some(())
    });
    assert!(quiet.is_some(), "without {bypassed:?}");
}

/// Has everything planted while there is no guard, and then begins another epoch.
fn plant(stage: &Stage, runtime: &Runtime, players: &mut Players, trials: &[Trial]) {
    bypass(stage, Away::Both);
    let delete = ["delete", "validatingadmissionpolicy", ORDERS];
    stage.plane.kubectl(ADMIN, &delete).expect_success();
    stage.watchman.look().not_in_place("does not exist");
    let mut probe = crate::world::ordered(role_binding("default", "x"), "x", "nobody");
    probe["metadata"]["annotations"][PROVISION] = "true".into();
    let unguarded = eventually(Duration::from_secs(20), || {
        let output = stage.create_with(user("norman", &[]), &["--dry-run=server"], &probe);
        output.succeeded().then_some(())
    });
    assert!(unguarded.is_some(), "there is still a guard");
    runtime.block_on(each(trials, |trial| players.plant(trial)));
    stage.plane.apply(ADMIN, &guards(POLICY)).expect_success();
    let epoch = stage.watchman.look().epoch().value;
    assert_ne!(epoch, players.before);
    players.epoch = epoch;
    runtime.block_on(each(trials, |trial| players.prepare(trial)));
}

async fn each<'t, F: Future<Output = ()>>(trials: &'t [Trial], act: impl Fn(&'t Trial) -> F) {
    iter(trials)
        .map(act)
        .buffer_unordered(AT_A_TIME)
        .collect::<Vec<()>>()
        .await;
}

fn bindings(plane: &ControlPlane) -> Vec<Value> {
    let args = ["get", "clusterrolebindings", "--output=json"];
    let text = plane.kubectl(ADMIN, &args).expect_success();
    let mut list: Value = serde_json::from_str(&text).expect("kubectl prints JSON");
    serde_json::from_value(list["items"].take()).expect("a list")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What there is in the end, but for what was there before the controller, and the bindings of the
/// cases.
fn made(plane: &ControlPlane, before: &BTreeSet<String>) -> Made {
    let mut made = Made::new();
    for binding in bindings(plane) {
        let name = text(&binding["metadata"]["name"]);
        if before.contains(&name) || name.starts_with("case-") {
            continue;
        }
        let role = text(&binding["roleRef"]["name"]);
        assert!(name.starts_with("bindguard-"), "{binding}");
        assert!(COMPANIONS.contains(&&*role), "{binding}");
        let subjects = binding["subjects"].as_array().expect("subjects");
        assert_eq!(subjects.len(), 1, "{binding}");
        let by = text(&binding["metadata"]["annotations"]["bindguard.dev/ordered-by"]);
        let of = made.entry(text(&subjects[0]["name"])).or_default();
        assert!(of.insert((role, by)), "twice: {binding}");
    }
    made
}

fn both_by(by: &str) -> BTreeSet<(String, String)> {
    COMPANIONS
        .map(|role| (role.to_owned(), by.to_owned()))
        .into()
}

#[test]
fn what_comes_of_each_case_is_what_rbac_and_the_policy_let_its_requester_do() {
    let began = Instant::now();
    let seed = setting("MATRIX_SEED", 1);
    let count = usize::try_from(setting("MATRIX_CASES", CASES)).expect("a number of cases");
    let plane: &'static ControlPlane = Box::leak(Box::new(ControlPlane::start(&[])));
    let stage = Stage::on(plane, POLICY);
    lay(plane);
    stage.wait_until_orders_are_taken();
    let value = text(&published(plane)["epoch"]);
    let runtime = Runtime::new().expect("a runtime");
    let first = EpochValue::parse(&value).expect("an epoch");
    let mut players = runtime.block_on(Players::gather(plane, first));
    for requester in REQUESTERS {
        for role in COMPANIONS {
            let may = runtime.block_on(players.may_by_hand(requester, role));
            assert_eq!(may, could_by_hand(requester), "{requester:?} {role}");
        }
    }

    let cases = choose(count, seed).into_iter().enumerate();
    let trials: Vec<Trial> = cases
        .map(|(number, case)| Trial::new(number, case))
        .collect();
    plant(&stage, &runtime, &mut players, &trials);
    let names = bindings(plane).into_iter();
    let before: BTreeSet<String> = names.map(|one| text(&one["metadata"]["name"])).collect();
    let controller =
        Controller::start(env!("CARGO_BIN_EXE_bindguard"), plane, &policy_file(POLICY));
    let (mut wrong, mut stored) = (Vec::new(), 0);
    let mut expected = Made::new();
    for away in AWAY {
        bypass(&stage, away);
        let of_now = trials.iter().filter(|trial| trial.case.away == away);
        let players = &players;
        let played = iter(of_now)
            .map(|trial| async move { (trial, players.play(trial).await) })
            .buffer_unordered(AT_A_TIME);
        for (trial, (is_stored, told)) in runtime.block_on(played.collect::<Vec<_>>()) {
            let name = players.name_of(trial.case);
            let outcome = expect(trial.case, name);
            if is_stored != outcome.stored {
                wrong.push(format!("{:?}: stored {is_stored}: {told}", trial.case));
            }
            stored += usize::from(is_stored);
            if let Some(by) = outcome.made_by {
                // What the matrix is about.
                assert!(by == name && could_by_hand(trial.case.requester));
                expected.insert(trial.subject.clone(), both_by(&by));
            }
        }
    }
    assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");

    let log = || controller.process.stderr();
    let quiet = eventually(LIMIT, || {
        let waiting = controller
            .metrics()
            .contains("bindguard_orders_waiting 0\n");
        let made = made(plane, &before);
        (waiting && expected.keys().all(|subject| made.contains_key(subject))).then_some(())
    });
    let mut made = made(plane, &before);
    // By the order of one who might, and only if it was carried out before the subjects changed.
    if let Some(kept) = made.remove(KEPT_FOR) {
        assert_eq!(kept, both_by(WHO_ORDERED));
    }
    let differs = made
        .iter()
        .filter(|(subject, of)| expected.get(*subject) != Some(of));
    let escalated: Vec<_> = differs.collect();
    assert!(
        escalated.is_empty(),
        "seed {seed}: {escalated:#?}\n{}",
        log()
    );
    assert_eq!(made, expected, "seed {seed}: {}", log());
    assert!(quiet.is_some(), "{}", log());
    // Else nothing would be proved.
    let (tried, got) = (trials.len(), made.len());
    assert!(
        tried >= 500 && stored >= tried / 4 && got >= tried / 20,
        "{stored}, {got}"
    );
    eprintln!(
        "figure: {tried} cases, {stored} stored, companions for {got}, in {:.0?}",
        began.elapsed()
    );
}
