# What is known of locustio/locust, made here: see make_official() in base_images.py.
ARG BASE=debian:bookworm-slim
FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3-dev python3-venv \
 && rm -rf /var/lib/apt/lists/*
ARG LOCUST_VERSION=2.47.0
ARG JOBS=""
COPY requirements /tmp/requirements
RUN python3 -m venv /opt/venv \
 && touch "/tmp/requirements/locust-${LOCUST_VERSION}.txt" \
 && sed 's/\[.*\]//' "/tmp/requirements/locust-${LOCUST_VERSION}.txt" >/tmp/tested.txt \
 && /opt/venv/bin/pip install --no-cache-dir --prefer-binary "locust==${LOCUST_VERSION}" -c /tmp/tested.txt \
 && rm -rf /tmp/requirements /tmp/tested.txt \
 && useradd --create-home --uid 1000 locust \
 && chown -R locust /opt/venv
ENV PATH=/opt/venv/bin:/usr/bin:/bin PYTHONUNBUFFERED=1
# hadolint ignore=DL3066
USER locust
WORKDIR /home/locust
EXPOSE 8089 5557
ENTRYPOINT ["locust"]
