#!/bin/sh
# What the builder's base lacks for a static binary: a C compiler for musl, jq, and Rust's standard library for musl.
set -eu

missing=
command -v musl-gcc >/dev/null || missing="$missing musl-tools"
command -v jq >/dev/null || missing="$missing jq"
if [ -n "$missing" ]; then
  apt-get update -qq
  # shellcheck disable=SC2086 # each word is a package
  apt-get install -y -qq --no-install-recommends $missing
fi

target=$(uname -m)-unknown-linux-musl
[ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] || rustup target add "$target"
