# The image of Loadmaster. `docker compose up --build` builds it; by hand: `docker build --tag loadmaster .`
# Take the base images from elsewhere with --build-arg RUST_IMAGE=… and RUNTIME_IMAGE=….
ARG RUST_IMAGE=rust:1.95-slim-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

# The slim image contains gcc and libc6-dev, which aws-lc-sys and zstd-sys need, and the certificates of public authorities. The
# rest compiles librdkafka.
FROM ${RUST_IMAGE} AS build
# hadolint ignore=DL3008
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends g++ libssl-dev make pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The commit that the binary reports. Not given: the one that is checked out, from the few files of .git that are copied.
ARG GIT_COMMIT=
# The caches outlive the layer, so that a change of the sources recompiles only Loadmaster's crates. They are not part of
# the image, hence the copy in the same step. Copied files may be older than the cache: `touch` makes cargo check them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    touch src/lib.rs src/main.rs crates/*/src/lib.rs crates/platform/build.rs \
    && LOADMASTER_GIT_COMMIT="${GIT_COMMIT:-$(sh scripts/checked-out-commit.sh)}" \
        cargo build --release --locked --features kafka --bin loadmaster \
    && install -D target/release/loadmaster /out/loadmaster

FROM ${RUNTIME_IMAGE}
# OpenSSL is librdkafka's alone: all other TLS is compiled in. The time zones are used where they are later than those compiled in.
# hadolint ignore=DL3008
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libssl3 tzdata \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin loadmaster
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/loadmaster /usr/local/bin/loadmaster
COPY LICENSE LICENSE-APACHE LICENSE-MIT /usr/share/doc/loadmaster/
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
# Nobody outside the container can reach its 127.0.0.1.
ENV LOADMASTER_SERVER__HOST=0.0.0.0
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["loadmaster", "healthcheck"]
ENTRYPOINT ["loadmaster"]
CMD ["serve"]
