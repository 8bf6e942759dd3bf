# locustpp-worker-native: locust-worker for user classes in C++, without Python, distribution or shell.
# Build from the project's root:
#   docker build -f docker/worker-native.Dockerfile -t locustpp-worker-native .
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS tools
# The same list in each Dockerfile here, so that this layer is made once.
# hadolint ignore=DL3008
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates ccache cmake cppzmq-dev g++ libboost-dev libbrotli-dev libc-ares-dev \
      libcli11-dev libcpp-httplib-dev libfmt-dev libmsgpack-cxx-dev libpsl-dev libre2-dev \
      libspdlog-dev libssl-dev libtomlplusplus-dev libzmq3-dev libzstd-dev ninja-build \
      nlohmann-json3-dev pkg-config python3-dev python3-venv zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
ENV CMAKE_CXX_COMPILER_LAUNCHER=ccache
WORKDIR /src

FROM tools AS health
COPY docker/health/health.cpp docker/health/
RUN g++ -std=c++20 -O2 -Wall -Wextra -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE -pie \
      -Wl,-z,relro,-z,now -s docker/health/health.cpp -o /usr/local/bin/locustpp-health

FROM tools AS build
ARG CXXFLAGS=""
ARG JOBS=""
COPY CMakeLists.txt ./
COPY bench bench
COPY cmake cmake
COPY locustfiles locustfiles
COPY target target
COPY worker worker
RUN --mount=type=cache,target=/root/.cache/ccache \
    CXXFLAGS="${CXXFLAGS}" cmake -S . -B /tmp/build -G Ninja -DCMAKE_BUILD_TYPE=Release \
      -DLOCUSTPP_TESTS=OFF -DLOCUSTPP_PYTHON=OFF \
 && cmake --build /tmp/build --target locust-worker --parallel "${JOBS:-$(nproc)}" \
 && strip /tmp/build/bin/locust-worker
COPY docker/build docker/build
COPY --from=health /usr/local/bin/locustpp-health /usr/local/bin/
RUN mkdir -p /rootfs/usr/local/share/locustpp \
 && docker/build/compiled-in.sh /tmp/build >/rootfs/usr/local/share/locustpp/compiled-in.txt \
 && docker/build/rootfs.sh /rootfs /tmp/build/bin/locust-worker /usr/local/bin/locustpp-health \
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
