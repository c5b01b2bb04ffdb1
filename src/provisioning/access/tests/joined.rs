//! Who asks the same while it is being asked.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, sleep};

use super::super::in_flight::JOINED_FOR;
use super::{Bench, NoAccess, PATIENCE, SHARE_A_SECOND, Script, boris};
use crate::kubernetes::access_review::{Said, Who};

const SOON: Duration = Duration::from_millis(100);
const A_BURST: usize = 1_000;

async fn burst(bench: &Bench) -> Vec<Result<(), NoAccess>> {
    join_all((0..A_BURST).map(|_| bench.ask(boris()))).await
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_the_same_question_is_asked_once_and_everybody_gets_the_answer() {
    let bench = Bench::new(Script::SaysAfter(SOON, Said::Yes));
    let began = Instant::now();
    assert!(burst(&bench).await.iter().all(Result::is_ok));
    assert_eq!(bench.asked(), 3);
    assert_eq!(began.elapsed(), SOON);
    let allowed = "bindguard_access_reviews_total{result=\"allowed\"} 1\n";
    assert!(bench.metrics.encode().contains(allowed));
}

#[tokio::test(start_paused = true)]
async fn a_no_and_a_failure_are_told_to_those_who_waited_and_the_next_asks_anew() {
    let down = || Said::Failed("down".to_owned());
    for (said, told) in [
        (
            Said::No,
            "boris lacks \"create\" on clusterrolebindings, in the whole cluster".to_owned(),
        ),
        (down(), NoAccess::Failed("down".to_owned()).to_string()),
    ] {
        let bench = Bench::new(Script::SaysAfter(SOON, said));
        for answer in burst(&bench).await {
            assert_eq!(answer.unwrap_err().to_string(), told);
        }
        assert_eq!(bench.asked(), 3);
        bench.says(Script::Says(Said::Yes));
        assert_eq!(bench.ask(boris()).await, Ok(()));
        assert_eq!(bench.asked(), 6);
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_very_same_requester_is_joined() {
    let bench = Bench::new(Script::SaysAfter(SOON, Said::Yes));
    let others = [
        Who {
            uid: "v".to_owned(),
            ..boris()
        },
        Who {
            groups: vec!["team".to_owned()],
            ..boris()
        },
        Who {
            extra: [].into(),
            ..boris()
        },
    ];
    let asked = std::iter::once(boris()).chain(others);
    join_all(asked.map(|who| bench.ask(who))).await;
    assert_eq!(bench.asked(), 12);
}

#[tokio::test(start_paused = true)]
async fn who_waits_has_a_time_of_their_own_and_is_not_left_when_the_first_gives_up() {
    let whole = PATIENCE + Duration::from_millis(500);
    let bench = Bench::new(Script::SaysAfter(whole, Said::Yes));
    let began = Instant::now();
    let short = Duration::from_millis(300);
    let first = async {
        let answer = bench.ask(boris()).await;
        assert_eq!(answer, Err(NoAccess::Late(PATIENCE)));
        assert_eq!(began.elapsed(), PATIENCE);
    };
    let second = async {
        sleep(short).await;
        let answer = bench.ask_within(boris(), short).await;
        assert_eq!(answer, Err(NoAccess::Late(short)));
        assert_eq!(began.elapsed(), short * 2);
    };
    let third = async {
        sleep(short * 3).await;
        assert_eq!(bench.ask(boris()).await, Ok(()));
        assert_eq!(began.elapsed(), whole);
    };
    tokio::join!(first, second, third);
    assert_eq!(bench.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_hangs_is_asked_anew_and_ends_with_the_last_who_waits() {
    let bench = Bench::new(Script::Hangs);
    let hanging = async {
        let answer = bench.ask(boris()).await;
        assert_eq!(answer, Err(NoAccess::Late(PATIENCE)));
    };
    let later = async {
        sleep(JOINED_FOR).await;
        bench.says(Script::Says(Said::Yes));
        assert_eq!(bench.ask(boris()).await, Ok(()));
    };
    tokio::join!(hanging, later);
    assert_eq!(bench.asked(), 6);

    bench.says(Script::Hangs);
    let many = (0..50).map(|number| {
        let who = Who {
            username: format!("user-{number}"),
            ..Who::default()
        };
        bench.ask(who)
    });
    join_all(many).await;
    bench.says(Script::Says(Said::Yes));
    let last = Who {
        username: "last".to_owned(),
        ..Who::default()
    };
    assert_eq!(bench.ask(last).await, Ok(()));
    assert_eq!(bench.access.known().in_flight.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_joined_is_no_question_and_spends_no_share() {
    let bench = Bench::new(Script::SaysAfter(SOON, Said::No));
    let with_token = |number: u32| Who {
        uid: format!("uid-{number}"),
        ..boris()
    };
    let calls = SHARE_A_SECOND / 3;
    let asked = (0..calls).flat_map(|number| (0..20).map(move |_| with_token(number)));
    for answer in join_all(asked.map(|who| bench.ask(who))).await {
        assert!(matches!(answer, Err(NoAccess::Lacks { .. })), "{answer:?}");
    }
    assert_eq!(bench.asked(), 3 * calls as usize);
    let spent = bench.ask(with_token(calls)).await;
    assert_eq!(spent, Err(NoAccess::ShareSpent("boris".to_owned())));
}
