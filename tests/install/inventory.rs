//! Everything that there is, to see what an install has left behind.

use std::collections::BTreeSet;

use crate::support::ADMIN;
use crate::world::World;

/// Kubernetes writes these about what happened, and takes them away after an hour.
const RECORDS: [&str; 2] = ["events", "events.events.k8s.io"];
/// Kinds of which Kubernetes makes objects of its own accord, whatever is installed.
const OWN: [&str; 1] = ["componentstatuses"];

/// The names of all cluster-scoped objects, and of all in this namespace.
pub(crate) fn inventory(world: &World, namespace: &str) -> BTreeSet<String> {
    let cluster = kinds(world, "--namespaced=false");
    let mut names = objects(world, &cluster, &[]);
    let inside = kinds(world, "--namespaced=true");
    names.extend(objects(world, &inside, &["--namespace", namespace]));
    names.into_iter().collect()
}

fn kinds(world: &World, scope: &str) -> Vec<String> {
    let args = ["api-resources", "--verbs=list", "--output=name", scope];
    let kinds = world.plane.kubectl(ADMIN, &args).expect_success();
    let kinds = kinds.lines().map(str::to_owned);
    kinds
        .filter(|kind| !RECORDS.contains(&&**kind) && !OWN.contains(&&**kind))
        .collect()
}

fn objects(world: &World, kinds: &[String], place: &[&str]) -> Vec<String> {
    let kinds = kinds.join(",");
    let args = [&["get", &*kinds, "--output=name"], place].concat();
    let names = world.plane.kubectl(ADMIN, &args).expect_success();
    let place = place.last().copied().unwrap_or_default();
    names
        .lines()
        .map(|name| format!("{place} {name}"))
        .collect()
}
