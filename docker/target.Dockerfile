# locustpp-target: hello-target, something to put load on, without distribution or shell.
# Build from the project's root:  docker build -f docker/target.Dockerfile -t locustpp-target .
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
COPY docker/start docker/start
COPY --from=health /usr/local/bin/locustpp-health /usr/local/bin/
RUN --mount=type=cache,target=/root/.cache/ccache \
    docker/build/small.sh docker/start/start.cpp /usr/local/bin/start-target \
 && docker/build/program.sh hello-target /usr/local/bin/locustpp-health /usr/local/bin/start-target \
 && ln -s start-target /rootfs/usr/local/bin/uwsgi

FROM scratch AS target
COPY --from=build /rootfs /
COPY LICENSE THIRD_PARTY.md /usr/local/share/doc/locustpp/
ENV PATH=/usr/local/bin
USER 10001:10001
EXPOSE 8000
# hello-target with the arguments that it gets, unless they are for uWSGI: see docker/start.
ENTRYPOINT ["start-target"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 CMD ["locustpp-health"]

ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=""
LABEL org.opencontainers.image.title="locustpp-target" \
      org.opencontainers.image.description="A small HTTP service to put load on" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="MIT"
