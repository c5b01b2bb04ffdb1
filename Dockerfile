# The image: one static binary, nothing else, not root.
# docker build -t bindguard .

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends musl-tools \
 && rustup target add x86_64-unknown-linux-musl
WORKDIR /source
COPY Cargo.toml Cargo.lock clippy.toml ./
COPY src src
# Cargo wants every target that the manifest names, but builds only what is asked for.
COPY tests/support tests/support
RUN cargo build --locked --profile dist --target x86_64-unknown-linux-musl --bin bindguard

FROM scratch
LABEL org.opencontainers.image.title="bindguard" \
      org.opencontainers.image.description="Admission webhook that keeps the role bindings of VM users complete" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /source/target/x86_64-unknown-linux-musl/dist/bindguard /bindguard
USER 65532:65532
EXPOSE 8443 8080
ENTRYPOINT ["/bindguard"]
CMD ["serve"]
