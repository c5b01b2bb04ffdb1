//! What is wrong is told soon, and what is mended is told no more.

use std::time::Duration;

use crate::support::ADMIN;
use crate::world::World;

/// Within this time of the change, everybody knows.
const SOON: Duration = Duration::from_secs(5);

/// How often the controller lists bindings, by the API server's audit log.
const LISTS: usize = 6;

/// How often the companion is taken away and given back.
fn rounds() -> usize {
    let given = std::env::var("SCAN_ROUNDS").ok();
    given.map_or(20, |rounds| {
        rounds.parse().expect("SCAN_ROUNDS is a number")
    })
}

#[test]
fn what_is_deleted_behind_our_back_is_told_within_five_seconds_and_without_a_list() {
    let world = World::new();
    let lists = world.lists();
    assert!(
        lists >= 2,
        "it has listed both kinds once, by the audit log"
    );
    let (mut found, mut mended) = (Vec::new(), Vec::new());
    for _ in 0..rounds() {
        world.take_away();
        found.push(told(&world, 1));
        assert!(world.is_in_scan());
        world.mend();
        mended.push(told(&world, 0));
        assert!(!world.is_in_scan());
    }
    for (what, mut times) in [("found", found), ("mended", mended)] {
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() * percent).div_ceil(100) - 1];
        eprintln!(
            "figure: {what} in metrics and on the page, of {}: p50 {:.2?}, p99 {:.2?}",
            times.len(),
            at(50),
            at(99)
        );
        assert!(at(99) < SOON, "{what}: {times:?}");
    }
    assert_eq!(world.lists(), LISTS, "nothing was listed again");

    other_findings(&world);
}

/// How long it takes until metrics and page tell of so many findings.
fn told(world: &World, number: i64) -> Duration {
    world.wait_until(|| {
        world.count("missing_companions") == Some(number) && world.is_on_page() == (number > 0)
    })
}

/// What has no event of a binding is found by looking again.
fn other_findings(world: &World) {
    let delete = ["delete", "clusterrole", "spectro-vm-user"];
    world.plane.kubectl(ADMIN, &delete).expect_success();
    world.wait_for("no_persona_role", 1);
    let delete = ["delete", "clusterrole", "spectro-list-namespaces"];
    world.plane.kubectl(ADMIN, &delete).expect_success();
    world.wait_for("no_companion_role", 1);
    assert_eq!(world.count("missing_companions"), Some(0));
    world
        .plane
        .apply(ADMIN, include_str!("../support/roles.yaml"))
        .expect_success();
    world.wait_for("no_persona_role", 0);
    world.wait_for("no_companion_role", 0);
    let none = "bindguard_scan_errors 0\n";
    let metrics = world.controller.metrics();
    assert!(metrics.contains(none), "{metrics}");

    let take = ["delete", "clusterrole", "bindguard-controller"];
    world.plane.kubectl(ADMIN, &take).expect_success();
    // It may get no role any more, and its watches end by and by; what it knew stays.
    let errs =
        |metrics: String| !metrics.contains(none) && metrics.contains("bindguard_scan_errors");
    world.wait_until(|| errs(world.controller.metrics()));
    let page = world.page().unwrap();
    assert!(page.contains("What could not be read"), "{page}");
    assert_eq!(world.count("missing_companions"), Some(0));
    world.plane.accounts().restore(&world.plane);
    // A watch that says something works; a quiet one is given the benefit of the doubt only later.
    world.take_away();
    world.mend();
    let touch = ["annotate", "rolebinding", "vm", "--namespace=red", "a=b"];
    world.plane.kubectl(ADMIN, &touch).expect_success();
    world.wait_until(|| world.controller.metrics().contains(none));
}

#[test]
fn another_policy_is_judged_by_whether_or_not_it_is_about_other_roles() {
    let world = World::new();
    world.take_away();
    world.wait_for("missing_companions", 1);
    world.wait_until(|| world.lists() >= LISTS);
    // About the same roles: nothing need be read again.
    world.set_policy("{action: Warn}");
    world.wait_until(|| {
        let page = world.page().unwrap_or_default();
        page.contains("<span class=\"level\">warning</span>\n<div class=\"about\"><h3>User alice</h3><p>lacks spectro-list-namespaces</p>")
    });
    assert_eq!(world.lists(), LISTS);
    world.bind("carol");
    world.wait_for("missing_companions", 2);
    // Nobody is bound to this one, and nobody knows it.
    world.set_policy("{personas: [{name: x, clusterRoles: [spectro-x], subjectKinds: [User]}]}");
    world.wait_for("missing_companions", 0);
    world.wait_for("unneeded_companion", 1);
    world.bind_to("dora", "spectro-x");
    world.wait_for("missing_companions", 1);
    world.wait_until(|| world.page().is_some_and(|page| page.contains("User dora")));
}
