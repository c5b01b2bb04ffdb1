# The image: one static binary, a list of what is in it, its licence; no shell, not root.
#
#   docker build --tag bindguard .     builds all of it in containers
#   make image                         the same with buildah, where no image registry can be reached

# Where the compiler comes from. `make image` gives a stand-in, made of the machine's own toolchain.
ARG BUILDER=docker.io/library/rust:1.95-slim-bookworm

FROM ${BUILDER} AS build
WORKDIR /source
COPY image image
RUN image/prepare.sh
COPY Cargo.toml Cargo.lock LICENSE ./
COPY src src
# Cargo wants every target that the manifest names, but builds only what is asked for.
COPY tests/support tests/support
COPY benches benches
RUN image/compile.sh /out

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=""
LABEL org.opencontainers.image.title="bindguard" \
      org.opencontainers.image.description="Admission webhook that keeps the role bindings of VM users complete" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="The bindguard authors" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# No CA certificates: whom bindguard calls is the API server, whose CA a ServiceAccount or a kubeconfig brings.
COPY --from=build /out/ /
USER 65532:65532
EXPOSE 8443 8080
ENTRYPOINT ["/bindguard"]
CMD ["serve"]
