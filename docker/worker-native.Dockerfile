# locustpp-worker-native: locust-worker for user classes in C++, without Python, distribution or shell.
# Build from the project's root:
#   docker build -f docker/worker-native.Dockerfile -t locustpp-worker-native .
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS tools
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
COPY CMakeLists.txt ./
COPY bench bench
COPY cmake cmake
COPY locustfiles locustfiles
COPY target target
COPY worker worker
COPY docker/build docker/build
COPY --from=health /usr/local/bin/locustpp-health /usr/local/bin/
RUN --mount=type=cache,target=/root/.cache/ccache \
    docker/build/program.sh locust-worker /usr/local/bin/locustpp-health \
 && ln -s locust-worker /rootfs/usr/local/bin/locust

FROM scratch AS native
COPY --from=build /rootfs /
COPY LICENSE THIRD_PARTY.md /usr/local/share/doc/locustpp/
ENV PATH=/usr/local/bin \
    HOME=/home/locust
WORKDIR /home/locust
USER 10001:10001
ENTRYPOINT ["locust-worker"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["locustpp-health"]

ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=""
LABEL org.opencontainers.image.title="locustpp-worker-native" \
      org.opencontainers.image.description="A native worker for a stock Locust master: user classes in C++" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="MIT"
