mod joined;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::{Instant, advance, sleep};

use super::{Access, MOST_A_SECOND, NoAccess, PATIENCE, SHARE_A_SECOND};
use crate::domain::policy::Policy;
use crate::kubernetes::access_review::{Right, Said, Who};
use crate::telemetry::metrics::Metrics;

#[derive(Clone)]
enum Script {
    Says(Said),
    SaysAfter(Duration, Said),
    LacksBind(&'static str),
    Fails,
    Hangs,
}

struct Bench {
    access: Access,
    script: Arc<Mutex<Script>>,
    asked: Arc<AtomicUsize>,
    metrics: Metrics,
}

impl Bench {
    fn new(script: Script) -> Self {
        let script = Arc::new(Mutex::new(script));
        let asked = Arc::new(AtomicUsize::new(0));
        let metrics = Metrics::new("0.0.0");
        let (counter, scripted) = (Arc::clone(&asked), Arc::clone(&script));
        let ask = move |_who: Who, right: Right| {
            counter.fetch_add(1, Ordering::SeqCst);
            let script = scripted.lock().unwrap().clone();
            async move {
                match script {
                    Script::Says(said) => Ok(said),
                    Script::SaysAfter(pause, said) => {
                        sleep(pause).await;
                        Ok(said)
                    }
                    Script::LacksBind(role) if right.name.as_deref() == Some(role) => Ok(Said::No),
                    Script::LacksBind(_) => Ok(Said::Yes),
                    Script::Fails => Err("the line is dead\u{1b}".to_owned()),
                    Script::Hangs => std::future::pending().await,
                }
            }
            .boxed()
        };
        Self {
            access: Access::asking(Arc::new(ask), metrics.clone()),
            script,
            asked,
            metrics,
        }
    }

    async fn ask(&self, who: Who) -> Result<(), NoAccess> {
        self.ask_within(who, Duration::from_secs(5)).await
    }

    async fn ask_within(&self, who: Who, within: Duration) -> Result<(), NoAccess> {
        let policy = Policy::built_in();
        self.access
            .may_create_companions(&policy, who, within)
            .await
    }

    fn says(&self, script: Script) {
        *self.script.lock().unwrap() = script;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn boris() -> Who {
    Who {
        username: "boris".to_owned(),
        uid: "u".to_owned(),
        groups: vec!["team".to_owned(), "b".to_owned()],
        extra: [("scopes".to_owned(), vec!["all".to_owned()])].into(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_yes_is_remembered_for_five_seconds_for_the_very_same_requester() {
    let bench = Bench::new(Script::Says(Said::Yes));
    assert_eq!(bench.ask(boris()).await, Ok(()));
    assert_eq!(bench.asked(), 3);
    advance(Duration::from_millis(4_999)).await;
    assert_eq!(bench.ask(boris()).await, Ok(()));
    assert_eq!(bench.asked(), 3);
    let others = [
        Who {
            uid: "v".to_owned(),
            ..boris()
        },
        Who {
            username: "borisu".to_owned(),
            uid: String::new(),
            ..boris()
        },
        Who {
            groups: vec!["teamb".to_owned()],
            ..boris()
        },
        Who {
            groups: vec!["team".to_owned()],
            ..boris()
        },
        Who {
            groups: vec!["b".to_owned(), "team".to_owned()],
            ..boris()
        },
        Who {
            extra: [("scopes".to_owned(), vec!["none".to_owned()])].into(),
            ..boris()
        },
        Who {
            extra: [].into(),
            ..boris()
        },
        Who {
            extra: [("scopes".to_owned(), vec![])].into(),
            ..boris()
        },
    ];
    for (number, other) in others.into_iter().enumerate() {
        assert_eq!(bench.ask(other).await, Ok(()));
        assert_eq!(bench.asked(), 3 * (number + 2));
    }
    let before = bench.asked();
    advance(Duration::from_millis(1)).await;
    assert_eq!(bench.ask(boris()).await, Ok(()));
    assert_eq!(bench.asked(), before + 3);
}

#[tokio::test(start_paused = true)]
async fn a_no_is_never_remembered() {
    for no in [
        Script::Says(Said::No),
        Script::LacksBind("spectro-list-vmtemplates"),
        Script::Says(Said::Failed("down".to_owned())),
        Script::Fails,
        Script::Hangs,
    ] {
        let bench = Bench::new(no);
        bench.ask(boris()).await.unwrap_err();
        bench.says(Script::Says(Said::Yes));
        assert_eq!(bench.ask(boris()).await, Ok(()));
        assert_eq!(bench.asked(), 6);
    }
}

#[tokio::test(start_paused = true)]
async fn the_right_that_is_missing_is_named_and_an_error_is_a_no_that_says_so() {
    let told = async |script| {
        Bench::new(script)
            .ask(boris())
            .await
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        told(Script::Says(Said::No)).await,
        "boris lacks \"create\" on clusterrolebindings, in the whole cluster"
    );
    assert_eq!(
        told(Script::LacksBind("spectro-list-vmtemplates")).await,
        "boris lacks the verb \"bind\" on ClusterRole spectro-list-vmtemplates, in the whole \
         cluster; holding its permissions is not enough"
    );
    for script in [
        Script::Fails,
        Script::Says(Said::Failed("the line is dead\u{1b}".to_owned())),
    ] {
        assert_eq!(
            told(script).await,
            "whether its requester may create companions could not be found out: the line is \
             dead\\u{1b}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_longer_than_two_seconds_or_than_there_is_time() {
    let bench = Bench::new(Script::Hangs);
    let policy = Policy::built_in();
    for (within, expected) in [
        (Duration::from_secs(30), PATIENCE),
        (Duration::from_millis(300), Duration::from_millis(300)),
    ] {
        let began = Instant::now();
        let answer = bench
            .access
            .may_create_companions(&policy, boris(), within)
            .await;
        assert_eq!(answer, Err(NoAccess::Late(expected)));
        assert_eq!(began.elapsed(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn so_many_are_asked_in_a_second_and_the_next_is_a_no() {
    let bench = Bench::new(Script::Says(Said::Yes));
    let somebody = |number: u32| Who {
        username: format!("user-{number}"),
        ..Who::default()
    };
    let calls = MOST_A_SECOND / 3;
    for number in 0..calls {
        assert_eq!(bench.ask(somebody(number)).await, Ok(()));
    }
    assert_eq!(bench.ask(somebody(calls)).await, Err(NoAccess::TooMany));
    // Who is known needs no question.
    assert_eq!(bench.ask(somebody(0)).await, Ok(()));
    assert_eq!(bench.asked(), 3 * calls as usize);
    advance(Duration::from_secs(1)).await;
    assert_eq!(bench.ask(somebody(calls)).await, Ok(()));
    let metrics = bench.metrics.encode();
    for line in [
        "bindguard_access_reviews_total{result=\"refused\"} 1",
        &format!(
            "bindguard_access_reviews_total{{result=\"allowed\"}} {}",
            calls + 1
        ),
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_uses_up_more_than_half_of_a_second_s_questions() {
    let bench = Bench::new(Script::Says(Said::No));
    let with_token = |number: u32| Who {
        uid: format!("uid-{number}"),
        groups: vec![format!("team-{number}")],
        extra: [("credential".to_owned(), vec![format!("token-{number}")])].into(),
        ..boris()
    };
    let calls = SHARE_A_SECOND / 3;
    for number in 0..calls {
        let answer = bench.ask(with_token(number)).await;
        assert!(matches!(answer, Err(NoAccess::Lacks { .. })), "{answer:?}");
    }
    // However often it is tried, and however else the same requester shows up.
    for number in 0..1_000 {
        let told = bench.ask(with_token(number)).await.unwrap_err().to_string();
        assert_eq!(
            told,
            "too many requests for companions came from boris in this second; try again"
        );
    }
    assert_eq!(bench.asked(), 3 * calls as usize);
    // All others have what is left.
    bench.says(Script::Says(Said::Yes));
    let left = (MOST_A_SECOND - 3 * calls) / 3;
    for number in 0..left {
        let other = Who {
            username: format!("user-{number}"),
            ..Who::default()
        };
        assert_eq!(bench.ask(other).await, Ok(()));
    }
    advance(Duration::from_secs(1)).await;
    assert_eq!(bench.ask(boris()).await, Ok(()));
    let known = bench.access.known.lock().unwrap();
    assert_eq!(known.shares.len(), 1, "shares of seconds that are over");
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_is_bounded() {
    let bench = Bench::new(Script::Says(Said::Yes));
    for number in 0..2_000_u32 {
        advance(Duration::from_millis(20)).await;
        let who = Who {
            username: format!("user-{number}"),
            ..Who::default()
        };
        bench.ask(who).await.unwrap();
    }
    assert!(bench.access.known.lock().unwrap().yes.len() <= super::MOST_REMEMBERED);
}
