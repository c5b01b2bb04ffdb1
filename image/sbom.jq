# From `cargo metadata` to a CycloneDX document: what is linked into the program, and what runs while it is built.
def reference: "pkg:cargo/\(.name)@\(.version)";

# The packages that can be reached from one by dependencies of these kinds, without those of some that are passed over.
def reachable($from; $nodes; $kinds; $passed):
  {seen: [], next: [$from]}
  | until(.next == [];
      .seen += .next
      | .seen as $seen
      | .next = ([.next[] | $nodes[.].deps[]
          | select(any(.dep_kinds[]; .kind as $kind | $kinds | index([$kind])))
          | .pkg] | unique - $seen - $passed))
  | .seen;

(.packages | map(select($built[0]["\(.name)@\(.version)"])) | INDEX(.id)) as $packages
| (.resolve.nodes | map(select($packages[.id]) | .deps |= map(select($packages[.pkg]))) | INDEX(.id)) as $nodes
| .resolve.root as $root
# The compiler runs these, so that they and what they need are in no program.
| [.packages[] | select(any(.targets[].kind[]; . == "proc-macro")) | .id] as $macros
| reachable($root; $nodes; [null]; $macros) as $linked
| reachable($root; $nodes; [null, "build"]; []) as $all
| {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: ($packages[$root] | {
        type: "application",
        "bom-ref": reference,
        name, version, description,
        purl: reference,
        licenses: [{expression: .license}],
        properties: [{name: "target", value: $target}],
      }),
    },
    components: [
      $all[] | select(. != $root) | . as $id | $packages[$id] | {
        type: "library",
        "bom-ref": reference,
        name, version, description,
        purl: reference,
        # What only runs while the program is built is not part of it.
        scope: (if $linked | index([$id]) then "required" else "excluded" end),
        licenses: [{expression: (.license | gsub(" */ *"; " OR ") | gsub("  +"; " "))}],
        hashes: [{alg: "SHA-256", content: $digests[0]["\(.name)@\(.version)"]}],
        externalReferences: [.repository | select(. != null) | {type: "vcs", url: .}],
      }
    ] | sort_by(."bom-ref"),
    dependencies: [
      $all[] | . as $id | {
        ref: ($packages[$id] | reference),
        dependsOn: [
          $nodes[$id].deps[]
          | select(any(.dep_kinds[]; .kind != "dev"))
          | .pkg | $packages[.] | reference
        ] | unique,
      }
    ] | sort_by(.ref),
  }
