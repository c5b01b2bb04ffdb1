#!/usr/bin/env bash
# Builds the image from the Dockerfile with buildah, without an image registry, and says what is in it.
#
# The builder's base is a stand-in with nothing in it: while its commands run, they see this machine's own toolchain.
# What comes out is in target/image: the OCI archive, and what the image holds as files.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'image: %s\n' "$*" >&2; }

tests/deps.sh buildah:buildah musl-gcc:musl-tools jq:jq
image/prepare.sh >&2

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
revision=$(git rev-parse HEAD 2>/dev/null || true)
# Every time that the image tells is this one, so that the same source makes the same image.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}

out=$PWD/target/image
mkdir -p "$out/cache"
# Storage of its own: nothing that others have built is seen or changed.
buildah=(buildah --root "$out/storage" --runroot "$out/run" --storage-driver vfs)
rustup=$(rustup show home)
cargo=${CARGO_HOME:-$HOME/.cargo}
stand_in=localhost/bindguard-builder

if ! "${buildah[@]}" inspect --type image "$stand_in" >/dev/null 2>&1; then
  container=$("${buildah[@]}" from scratch)
  root=$("${buildah[@]}" mount "$container")
  mkdir -p "$root"/{usr,tmp,root,etc/alternatives,proc,dev,sys}
  chmod 1777 "$root/tmp"
  for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$root/$folder"; done
  echo 'root:x:0:0:root:/root:/bin/sh' > "$root/etc/passwd"
  "${buildah[@]}" umount "$container" >/dev/null
  "${buildah[@]}" config \
    --env PATH=/toolchain/cargo/bin:/usr/bin:/bin --env RUSTUP_HOME=/toolchain/rustup --env CARGO_HOME=/toolchain/cargo \
    --env CARGO_NET_OFFLINE=true "$container"
  "${buildah[@]}" commit --quiet --rm "$container" "$stand_in" >/dev/null
fi

# All that the lock file names, since the build itself has no network.
cargo fetch --locked --quiet

say "compiling bindguard $version (the first time takes minutes)"
"${buildah[@]}" bud --quiet --isolation chroot --timestamp "$epoch" --pull-never \
  --volume /usr:/usr:ro --volume /etc/alternatives:/etc/alternatives:ro --volume "$rustup:/toolchain/rustup:ro" --volume "$cargo:/toolchain/cargo" \
  --volume "$out/cache:/source/target" \
  --env "CARGO_BUILD_JOBS=${CARGO_BUILD_JOBS:-}" \
  --build-arg "BUILDER=$stand_in" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
  --tag "localhost/bindguard:$version" . >/dev/null

archive=$out/bindguard-$version.oci.tar
rm -rf "$archive" "$out/rootfs"
"${buildah[@]}" push --quiet "localhost/bindguard:$version" "oci-archive:$archive:bindguard:$version"

container=$("${buildah[@]}" from --pull-never "localhost/bindguard:$version")
root=$("${buildah[@]}" mount "$container")
cp -a "$root" "$out/rootfs"
"${buildah[@]}" umount "$container" >/dev/null
"${buildah[@]}" rm "$container" >/dev/null

say "what is in bindguard:$version, in bytes:"
(cd "$out/rootfs" && find . -mindepth 1 -type f -printf '  %-20P %10s  %m\n' | sort) >&2
say "$(stat -c %s "$archive") bytes to pull, $(sha256sum "$out/rootfs/bindguard" | cut -d ' ' -f 1) is the program"
printf '%s\n' "$archive"
