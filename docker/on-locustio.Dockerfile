# The official image of Locust with locustpp put in: for those who build theirs upon it already.
# Build from the project's root:
#   docker build -f docker/on-locustio.Dockerfile --build-arg BASE=locustio/locust:2.47.0 -t locustpp-worker .
ARG BASE=locustio/locust:2.47.0

# On the same image, so that Python and the libraries are those that it will meet.
FROM ${BASE} AS tools
# hadolint ignore=DL3002
USER 0
COPY docker/build/tools.sh /src/docker/build/
RUN /src/docker/build/tools.sh
ENV CMAKE_CXX_COMPILER_LAUNCHER=ccache
WORKDIR /src

FROM tools AS health
COPY docker/build/small.sh docker/build/
COPY docker/health docker/health
RUN docker/build/small.sh docker/health/health.cpp /usr/local/bin/locustpp-health

FROM tools AS build
ARG CXXFLAGS=""
ARG JOBS=""
COPY CMakeLists.txt LICENSE README.md THIRD_PARTY.md pyproject.toml ./
COPY cmake cmake
COPY worker worker
RUN --mount=type=cache,target=/root/.cache/ccache \
    export CXXFLAGS CMAKE_BUILD_PARALLEL_LEVEL="${JOBS:-$(nproc)}" \
 && python3 -m pip wheel --no-cache-dir --no-deps -w /out --config-settings=build-dir=/tmp/build .
COPY docker/build docker/build
RUN docker/build/linked-packages.sh /tmp/build/python/locustpp/_native*.so >/out/packages.txt

FROM ${BASE}
USER 0
COPY --from=build /out /tmp/locustpp
# hadolint ignore=DL3008
RUN apt-get update \
 && xargs -a /tmp/locustpp/packages.txt \
      env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
 && python3 -m pip install --no-cache-dir --no-deps /tmp/locustpp/*.whl \
 && python3 -c 'import locustpp._native' \
 && rm -rf /tmp/locustpp /var/lib/apt/lists/*
# Before Locust's own `locust`: workers become native, all else stays what it is.
COPY docker/locust /opt/locustpp/bin/
COPY --from=health /usr/local/bin/locustpp-health /opt/locustpp/bin/
ENV PATH=/opt/locustpp/bin:${PATH}
# As in the official image, whose user is known by that name only.
# hadolint ignore=DL3066
USER locust
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["locustpp-health"]

ARG BASE
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=""
LABEL org.opencontainers.image.title="locustpp-on-locustio" \
      org.opencontainers.image.description="${BASE}, whose workers run on a native engine" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="MIT"
