# locustpp-worker: stock Locust for the master, locustpp's native engine for `locust --worker`.
# Build from the project's root:  docker build -f docker/worker.Dockerfile -t locustpp-worker .
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
ARG LOCUST_VERSION=2.47.0
COPY compat-tests/requirements compat-tests/requirements
# The versions that this Locust is tested with, where there is such a list; pip takes no extras there.
RUN python3 -m venv /opt/locust \
 && touch "compat-tests/requirements/locust-${LOCUST_VERSION}.txt" \
 && sed 's/\[.*\]//' "compat-tests/requirements/locust-${LOCUST_VERSION}.txt" >/tmp/tested.txt \
 && /opt/locust/bin/pip install --no-cache-dir --prefer-binary "locust==${LOCUST_VERSION}" -c /tmp/tested.txt

# Such as -march=x86-64-v3; empty means code for every processor of the architecture.
ARG CXXFLAGS=""
# Compilers at a time; empty means as many as there are processors. Each takes up to 1 GB.
ARG JOBS=""
COPY CMakeLists.txt LICENSE README.md THIRD_PARTY.md pyproject.toml ./
COPY cmake cmake
COPY worker worker
RUN --mount=type=cache,target=/root/.cache/ccache \
    export CXXFLAGS CMAKE_BUILD_PARALLEL_LEVEL="${JOBS:-$(nproc)}" \
 && /opt/locust/bin/pip wheel --no-cache-dir --no-deps -w /out --config-settings=build-dir=/tmp/build . \
 && /opt/locust/bin/pip install --no-cache-dir --no-deps /out/*.whl \
 && /opt/locust/bin/python -c 'import locustpp._native'
COPY docker/build docker/build
RUN docker/build/compiled-in.sh /tmp/build >/out/compiled-in.txt \
 && docker/build/linked-packages.sh \
      /opt/locust/lib/python3*/site-packages/locustpp/_native*.so >/out/packages.txt

# Only the wheel, for other images and machines:
#   docker build -f docker/worker.Dockerfile --target wheel -o dist .
FROM scratch AS wheel
COPY --from=build /out/*.whl /

FROM ${BASE} AS worker
COPY --from=build /out/packages.txt /out/compiled-in.txt /usr/local/share/locustpp/
# hadolint ignore=DL3008
RUN apt-get update \
 && xargs -a /usr/local/share/locustpp/packages.txt \
      env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates python3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
 && groupadd --gid 10001 locust \
 && useradd --uid 10001 --gid 10001 --create-home --shell /usr/sbin/nologin locust
COPY --from=build /opt/locust /opt/locust
COPY --from=health /usr/local/bin/locustpp-health /usr/local/bin/
COPY docker/locust /usr/local/bin/
COPY LICENSE THIRD_PARTY.md /usr/local/share/doc/locustpp/
COPY locustfiles/*.py /home/locust/

ENV PATH=/usr/local/bin:/opt/locust/bin:/usr/bin:/bin \
    HOME=/home/locust \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /home/locust
# Where an empty volume is mounted over a read-only root (ECS), it keeps this folder's mode.
VOLUME /tmp
USER 10001:10001
EXPOSE 8089 5557
ENTRYPOINT ["locust"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["locustpp-health"]

ARG LOCUST_VERSION=2.47.0
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=""
LABEL org.opencontainers.image.title="locustpp-worker" \
      org.opencontainers.image.description="Stock Locust ${LOCUST_VERSION}, whose workers run on a native engine" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="MIT"
