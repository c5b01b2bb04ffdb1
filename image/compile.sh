#!/bin/sh
# Builds what the image holds into a folder: compile.sh FOLDER
#
# The same source, lock file, compiler and C compiler make the same bytes, in whatever folder and for whomever: paths of
# this machine are written as names that are the same everywhere.
set -eu
cd "$(dirname "$0")/.."

out=$1
target=$(uname -m)-unknown-linux-musl
crates=$(cd "${CARGO_HOME:-$HOME/.cargo}" && pwd -P)/registry/src
compiler=$(rustc --verbose --version | sed -n 's/^commit-hash: //p')

flags="--remap-path-prefix=$(pwd -P)=/source"
flags="$flags --remap-path-prefix=$crates=/crates"
# Where Rust's own source is installed, the compiler would name it by its path there.
flags="$flags --remap-path-prefix=$(rustc --print sysroot)/lib/rustlib/src/rust=/rustc/$compiler"

# Whoever builds has settings of their own, which must not change what comes out.
unset CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET CARGO_PROFILE_DIST_DEBUG CFLAGS
export RUSTFLAGS="$flags" CARGO_INCREMENTAL=0
export CFLAGS="-ffile-prefix-map=$crates=/crates -ffile-prefix-map=$(pwd -P)=/source"

cargo build --locked --profile dist --target "$target" --bin bindguard

mkdir -p "$out"
cp "${CARGO_TARGET_DIR:-target}/$target/dist/bindguard" "$out/bindguard"
cp LICENSE "$out/LICENSE"
image/sbom.sh "$target" > "$out/bindguard.cdx.json"
chmod 755 "$out/bindguard"
chmod 644 "$out/LICENSE" "$out/bindguard.cdx.json"
