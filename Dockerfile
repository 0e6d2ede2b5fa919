# syntax=docker/dockerfile:1

# The slim image contains gcc and libc6-dev, which aws-lc-sys and zstd-sys need.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# There is no .git here: pass the commit from outside (`--build-arg GIT_COMMIT="$(git rev-parse HEAD)"`).
ARG GIT_COMMIT=unknown
# The caches outlive the layer, so that a change of the sources recompiles only Loadmaster's crate. They are not part of
# the image, hence the copy in the same step. Copied files may be older than the cache: `touch` makes cargo check them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    touch build.rs src/lib.rs src/main.rs \
    && LOADMASTER_GIT_COMMIT="$GIT_COMMIT" cargo build --release --locked --bin loadmaster \
    && install -D target/release/loadmaster /out/loadmaster

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin loadmaster
COPY --from=build /out/loadmaster /usr/local/bin/loadmaster
COPY LICENSE LICENSE-APACHE LICENSE-MIT /usr/share/doc/loadmaster/
USER loadmaster
# Nobody outside the container can reach its 127.0.0.1.
ENV LOADMASTER_SERVER__HOST=0.0.0.0
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["loadmaster", "healthcheck"]
ENTRYPOINT ["loadmaster"]
CMD ["serve"]
