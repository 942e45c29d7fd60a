# The image of the operator: one static program in an empty file system, run by a user without a name or rights.
#
#   docker build -t rekindle .
#
# `make image` builds the last stage without a Docker engine, around the program that the tests ran.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The registry and the target folder stay between builds, so that only what changed is compiled.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    scripts/static-program /out

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Rekindle" \
      org.opencontainers.image.description="Carries configuration changes into running pods, and takes back those that hurt" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /out/ /
# Numeric, so that `runAsNonRoot` can be checked without a list of users.
USER 65532:65532
ENTRYPOINT ["/rekindle"]
