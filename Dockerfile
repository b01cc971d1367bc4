# mir in a container; how to run it: docs/operations.md "Containers".
#   docker build -t mir .
#   docker buildx build --platform linux/amd64,linux/arm64 -t mir .      nothing is emulated: only the executable differs

# Where it is built: Bun of the version in package.json, and a shell.
ARG BUILD_BASE=docker.io/oven/bun:1.4.5
# What it runs on: libc, libstdc++, libgcc, certificates, a user 65532; no shell, no package manager.
ARG BASE=gcr.io/distroless/cc-debian12:nonroot

FROM --platform=$BUILDPLATFORM ${BUILD_BASE} AS build
ARG TARGETARCH
# what `mir --version` and /status show beside the version: the commit
ARG REVISION=""
WORKDIR /mir
COPY . .
RUN set -eu; \
    case "$TARGETARCH" in \
      amd64) target=linux-x64 ;; \
      arm64) target=linux-arm64 ;; \
      *) echo "mir is built for amd64 and arm64, not for '$TARGETARCH'" >&2; exit 1 ;; \
    esac; \
    MIR_REVISION="$REVISION" bun scripts/build.ts --target "$target"; \
    mkdir -p /out/usr/local/bin /out/usr/share/doc/mir /out/var/cache /cache; \
    cp "dist/mir-$target" /out/usr/local/bin/mir; \
    cp -r LICENSE NOTICE licences docs /out/usr/share/doc/mir/

FROM ${BASE}
ARG REVISION=""
LABEL org.opencontainers.image.title="mir" \
      org.opencontainers.image.description="mesh image router: stores, routes, resizes and streams the pictures of a photo site" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /out/ /
COPY --from=build --chown=65532:65532 /cache/ /var/cache/mir/
USER 65532:65532
# Which server of the topology it is: MIR_SERVER. The only folder that is written to is the volume: the image
# decoders are unpacked there too, so that the root file system may be read-only.
ENV MIR_TOPOLOGY=/etc/mir/mesh.toml \
    MIR_RUNTIME_DIR=/var/cache/mir/.runtime
VOLUME ["/var/cache/mir"]
EXPOSE 8080 5556
# drains: give it more than the grace of 5 s and the 35 s for what is in flight (docker run --stop-timeout 75)
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["/usr/local/bin/mir", "ready"]
ENTRYPOINT ["/usr/local/bin/mir"]
CMD ["serve"]
